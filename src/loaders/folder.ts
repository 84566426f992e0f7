import { opendir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { isInside, SYMLINK_POLICIES } from '../io/look.ts';
import { type RawPath, rawText, toRaw } from '../io/raw-path.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { archiveFields } from './archive-options.ts';
import { FolderListing, type FolderSource } from './folder-listing.ts';
import { FolderManifest } from './folder-manifest.ts';
import { isStore } from './folder-rules.ts';
import { globOptions } from './globs.ts';
import { labelOptions } from './labels.ts';
import { manifestFields } from './manifest-options.ts';

const options = z.strictObject({
  recursive: z.boolean().default(true).describe('Whether what lies in subfolders is listed, too'),
  ...labelOptions,
  ...globOptions,
  symlinks: z
    .enum(SYMLINK_POLICIES)
    .default('files')
    .describe(
      'Symbolic links: files follows those to files inside the source, follow all of them (a folder once), skip none',
    ),
  sidecar: z
    .boolean()
    .default(false)
    .describe('Take metadata and concepts from photo.jpg.json or photo.json beside photo.jpg'),
  manifest: z
    .string()
    .min(1)
    .optional()
    .describe('CSV in the source whose rows say what its files are; other files are listed as usual'),
  allowOutside: z
    .boolean()
    .default(false)
    .describe('Let the manifest also name files outside the source, by absolute paths, ".." or links'),
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe('Let the manifest also name URLs that lead to private, loopback and link-local addresses'),
  ...manifestFields,
  idPrefix: z.string().default('').describe('Put before every derived id, to keep sources apart'),
  storeDirs: z.array(z.string()).default([]).describe('Stores that are never listed, wherever they lie'),
  ...archiveFields,
});
export type FolderOptions = z.infer<typeof options>;

/** The files of a folder and of the archives in it. */
export const folder: LoaderComponent<FolderOptions> = {
  name: 'folder',
  summary:
    'A folder of images, videos, texts and audio files, and of ZIP archives of them, labelled by its subfolders',
  example: 'sluice ingest examples/photos --labels folder',
  options,
  detect: ({ isDirectory }) => (isDirectory ? 'a folder' : undefined),
  async open(source, folderOptions) {
    return new FolderLoader(await openFolder(source, folderOptions), folderOptions);
  },
};

class FolderLoader implements Loader {
  readonly describes: string;
  readonly #source: FolderSource;
  readonly #options: FolderOptions;

  constructor(source: FolderSource, folderOptions: FolderOptions) {
    const { recursive, manifest } = folderOptions;
    const rows = manifest === undefined ? '' : `, labelled by ${manifest}`;
    this.describes = `folder ${source.root}, ${recursive ? 'with' : 'without'} its subfolders${rows}`;
    this.#source = source;
    this.#options = folderOptions;
  }

  /** Files carry their own; only the rows of a manifest depend on it as a whole. */
  async fingerprint(): Promise<string | undefined> {
    return this.#source.manifest?.fingerprint();
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    return new FolderListing(this.#source, this.#options, ctx).list();
  }
}

async function openFolder(source: string, folderOptions: FolderOptions): Promise<FolderSource> {
  const root = await readableFolder(source);
  const stores = await Promise.all(folderOptions.storeDirs.map(realOrResolved));
  const rawRoot = toRaw(root);
  const store = (await isStore(rawRoot)) ? rawRoot : stores.find((dir) => isInside(rawRoot, dir));
  if (store !== undefined) {
    throw new FatalError(
      'CONFIG_INVALID',
      `${source} lies in the sluice store ${rawText(store)}, which is no source`,
    );
  }
  const { manifest } = folderOptions;
  return {
    root,
    stores,
    manifest: manifest === undefined ? undefined : await FolderManifest.open(root, manifest, folderOptions),
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
