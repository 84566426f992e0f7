import { opendir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { countFiles } from '../io/count-files.ts';
import { isInside } from '../io/look.ts';
import { type RawPath, rawText, toRaw } from '../io/raw-path.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { FolderListing, type FolderSource } from './folder-listing.ts';
import { FolderManifest } from './folder-manifest.ts';
import { type FolderOptions, folderOptions } from './folder-options.ts';
import { isExport, isStore } from './folder-rules.ts';

/** The files of a folder and of the archives in it. */
export const folder: LoaderComponent<FolderOptions> = {
  name: 'folder',
  summary:
    'A folder of images, videos, texts and audio files, and of ZIP archives of them, labelled by its subfolders',
  example: 'sluice ingest examples/photos --labels folder',
  options: folderOptions,
  detect: ({ isDirectory }) => (isDirectory ? 'a folder' : undefined),
  async open(source, options, stores = []) {
    return new FolderLoader(await openFolder(source, options, stores), options);
  },
};

class FolderLoader implements Loader {
  readonly describes: string;
  readonly #source: FolderSource;
  readonly #options: FolderOptions;
  #listing: FolderListing | undefined;
  #total: number | undefined;

  constructor(source: FolderSource, options: FolderOptions) {
    const { recursive, manifest } = options;
    const rows = manifest === undefined ? '' : `, labelled by ${manifest}`;
    this.describes = `folder ${source.root}, ${recursive ? 'with' : 'without'} its subfolders${rows}`;
    this.#source = source;
    this.#options = options;
  }

  /** Files carry their own; only the rows of a manifest depend on it as a whole. */
  async fingerprint(): Promise<string | undefined> {
    return this.#source.manifest?.fingerprint();
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const { root } = this.#source;
    this.#listing = new FolderListing(this.#source, this.#options, ctx);
    void countFiles(root, this.#options.recursive, ctx.signal).then((total) => {
      this.#total = total;
    });
    return this.#listing.list();
  }

  /** In files; the total is counted beside the listing. */
  progress(): { done: number; total?: number } {
    const done = this.#listing?.found ?? 0;
    return this.#total === undefined ? { done } : { done, total: this.#total };
  }
}

async function openFolder(
  source: string,
  options: FolderOptions,
  storeDirs: readonly string[],
): Promise<FolderSource> {
  const root = await readableFolder(source);
  const stores = await Promise.all(storeDirs.map(realOrResolved));
  const rawRoot = toRaw(root);
  const store = (await isStore(rawRoot)) ? rawRoot : stores.find((dir) => isInside(rawRoot, dir));
  if (store !== undefined) {
    throw new FatalError(
      'CONFIG_INVALID',
      `${source} lies in the sluice store ${rawText(store)}, which is no source`,
    );
  }
  const { manifest } = options;
  return {
    root,
    stores,
    isExport: await isExport(rawRoot),
    manifest: manifest === undefined ? undefined : await FolderManifest.open(root, manifest, options),
  };
}

/** The absolute path without links. */
async function readableFolder(source: string): Promise<string> {
  try {
    const root = await realpath(source);
    await (await opendir(root)).close();
    return root;
  } catch (error) {
    const message = `the folder ${source} cannot be opened: ${asError(error).message}`;
    throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
  }
}

/** A store may be made only later. */
async function realOrResolved(dir: string): Promise<RawPath> {
  return toRaw(await realpath(dir).catch(() => resolve(dir)));
}
