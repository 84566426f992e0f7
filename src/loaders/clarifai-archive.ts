import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { statFingerprint } from '../io/fingerprint.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import { readFailure } from '../io/read-contract.ts';
import { ZipArchive } from '../io/zip/archive.ts';
import { LocalFile } from '../io/zip/local-file.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { problemOutcome } from './archive-entries.ts';
import { archiveFields } from './archive-options.ts';
import { ArchiveBatches, type BatchFormat } from './clarifai-batches.ts';
import { fetcherOf, urlFields } from './urls.ts';

const MIMETYPE = 'mimetype';
const FORMATS = new Map<string, BatchFormat>([
  ['application/x.clarifai-data+protobuf', 'protobuf'],
  ['application/x.clarifai-data+json', 'json'],
]);
const LOCAL_HEADER = 0x04034b50;
const NAME_AT = 30;

const options = z.strictObject({
  ...urlFields,
  maxInputMegabytes: z
    .number()
    .positive()
    .max(2_000)
    .default(1_000)
    .describe(
      'Largest input of an archive with its media (MB of 1 000 000 bytes); it is held in memory while listed',
    ),
  maxEntries: archiveFields.maxEntries,
});
export type ClarifaiArchiveOptions = z.infer<typeof options>;

/** An archive that the platform, or `sluice export --format protobuf | json`, makes of a dataset version. */
export const clarifaiArchive: LoaderComponent<ClarifaiArchiveOptions> = {
  name: 'clarifai-archive',
  summary:
    'A Clarifai dataset archive (Clarifai-Data-Protobuf or -JSON): inputs with their labels and annotations',
  example: 'sluice ingest dataset.zip --source-type clarifai-archive',
  options,
  detect: ({ isDirectory, head }) =>
    !isDirectory && startsWithMimetype(head) ? 'a Clarifai archive by its mimetype entry' : undefined,
  async open(source, loaderOptions) {
    const file = resolve(source);
    const stats = await stat(file).catch((error: unknown) => {
      throw new FatalError('SOURCE_NOT_FOUND', `${source} cannot be opened: ${asError(error).message}`, {
        cause: error,
      });
    });
    if (!stats.isFile()) throw new FatalError('SOURCE_UNRECOGNISED', `${source} is not a regular file`);
    return new ClarifaiArchiveLoader(file, loaderOptions);
  },
};

/** Whether the first entry is a stored one of that name and of a content that we know. */
function startsWithMimetype(head: Buffer): boolean {
  if (head.length < NAME_AT || head.readUInt32LE(0) !== LOCAL_HEADER || head.readUInt16LE(8) !== 0)
    return false;
  const nameEnd = NAME_AT + head.readUInt16LE(26);
  if (head.toString('latin1', NAME_AT, nameEnd) !== MIMETYPE) return false;
  const start = nameEnd + head.readUInt16LE(28);
  return [...FORMATS.keys()].some((type) => head.toString('latin1', start, start + type.length) === type);
}

class ClarifaiArchiveLoader implements Loader {
  readonly describes: string;
  readonly #file: string;
  readonly #uri: string;
  readonly #options: ClarifaiArchiveOptions;
  #progress: { done: number; total?: number } = { done: 0 };

  constructor(file: string, loaderOptions: ClarifaiArchiveOptions) {
    this.#file = file;
    this.#uri = rawUri(toRaw(basename(file)));
    this.#options = loaderOptions;
    this.describes = `Clarifai archive ${basename(file)}`;
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.#file, { bigint: true }));
  }

  progress(): { done: number; total?: number } {
    return this.#progress;
  }

  async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    let source: LocalFile;
    try {
      source = await LocalFile.open(this.#file);
    } catch (error) {
      return yield* this.#unopened(error);
    }
    try {
      let zip: ZipArchive;
      try {
        zip = await ZipArchive.open(source, { maxEntries: this.#options.maxEntries });
      } catch (error) {
        ctx.signal.throwIfAborted();
        return yield* this.#unopened(error);
      }
      return yield* this.#entries(source, zip, ctx);
    } finally {
      await source.release();
    }
  }

  async *#entries(
    source: LocalFile,
    zip: ZipArchive,
    ctx: Context,
  ): AsyncGenerator<Listed, ListingProof, void> {
    const batches = new ArchiveBatches(source, this.#uri, {
      maxInputBytes: this.#options.maxInputMegabytes * 1e6,
      fetchUrl: fetcherOf(this.#options, ctx.clock),
      signal: ctx.signal,
    });
    const mimetype = await zip.find(MIMETYPE);
    const type = mimetype === undefined ? undefined : (await batches.head(mimetype)).toString();
    const format = FORMATS.get(type ?? '');
    if (format === undefined) {
      const found =
        type === undefined ? 'it has no entry mimetype' : `its mimetype is ${JSON.stringify(type)}`;
      throw new FatalError('SOURCE_UNRECOGNISED', `${this.#uri} is no Clarifai archive: ${found}`);
    }
    let done = 0;
    for await (const entry of zip.entries()) {
      ctx.signal.throwIfAborted();
      if (entry.name !== MIMETYPE || entry.repeated) yield* batches.list(entry, format);
      this.#progress = { done: ++done, total: zip.entryCount };
    }
    if (await source.changed())
      return { complete: false, reason: `${this.#uri} changed while it was listed` };
    if (batches.missing !== undefined) return { complete: false, reason: batches.missing };
    return {
      complete: true,
      evidence: `${batches.inputs} inputs in ${done} entries, all that the central directory of ${this.#uri} holds`,
    };
  }

  /** An archive that cannot be opened is one item with one outcome (DESIGN.md §4), and the listing of it is complete. */
  async *#unopened(error: unknown): AsyncGenerator<Listed, ListingProof, void> {
    const { code, message, measured, limit } = readFailure(error, this.#uri);
    yield problemOutcome(this.#uri, { code, message: `${this.#uri}: ${message}`, measured, limit });
    return { complete: true, evidence: `${this.#uri} could not be opened, which is its outcome` };
  }
}
