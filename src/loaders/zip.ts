import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { z } from 'zod';
import { statFingerprint } from '../io/fingerprint.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import { LocalFile } from '../io/zip/local-file.ts';
import { strongMagic } from '../media/magic.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { type ArchiveOptions, listArchive } from './archive.ts';
import { archiveFields } from './archive-options.ts';
import { Globs, globOptions } from './globs.ts';
import { labelOptions } from './labels.ts';
import { manifestFields } from './manifest-options.ts';
import { allowPrivateAddresses } from './reach.ts';

const options = z.strictObject({
  ...labelOptions,
  ...globOptions,
  ...manifestFields,
  allowPrivateAddresses,
  ...archiveFields,
});
export type ZipOptions = z.infer<typeof options>;

/** A ZIP archive in the local file system. */
export const zip: LoaderComponent<ZipOptions> = {
  name: 'zip',
  summary:
    'A ZIP archive of images, videos, texts and audio files, with a CSV of labels beside them or without',
  example: 'sluice ingest examples/mixed.zip --labels folder',
  options,
  detect({ source, isDirectory, head }) {
    if (isDirectory) return undefined;
    if (strongMagic(head) === 'zip') return 'a ZIP archive by its content';
    // A broken one is to be reported as what its name says.
    return extname(source).toLowerCase() === '.zip' ? 'a ZIP archive by its name' : undefined;
  },
  async open(source, zipOptions) {
    const file = resolve(source);
    const stats = await stat(file).catch((error: unknown) => {
      throw new FatalError('SOURCE_NOT_FOUND', `${source} cannot be opened: ${asError(error).message}`, {
        cause: error,
      });
    });
    if (!stats.isFile()) throw new FatalError('SOURCE_UNRECOGNISED', `${source} is not a regular file`);
    return new ZipLoader(file, zipOptions);
  },
};

class ZipLoader implements Loader {
  readonly describes: string;
  readonly #file: string;
  readonly #options: ArchiveOptions;
  #progress: { done: number; total?: number } = { done: 0 };

  constructor(file: string, zipOptions: ZipOptions) {
    const globs = new Globs(zipOptions);
    this.#file = file;
    this.describes = `ZIP archive ${basename(file)}`;
    this.#options = {
      ...zipOptions,
      excluded: (name) => globs.fileExcluded(name),
      onProgress: (done, total) => {
        this.#progress = { done, total };
      },
    };
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.#file, { bigint: true }));
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const archive = {
      open: () => LocalFile.open(this.#file),
      uri: rawUri(toRaw(basename(this.#file))),
    };
    return listArchive(archive, this.#options, ctx);
  }

  progress(): { done: number; total?: number } {
    return this.#progress;
  }
}
