import type { Readable } from 'node:stream';
import { formatS3 } from '../io/s3/address.ts';
import type { S3Object } from '../io/s3/options.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { FatalError, SluiceError } from '../model/errors.ts';
import { JsonlLister } from './jsonl-lister.ts';
import { listLines } from './lines.ts';
import { listManifest, PREFACE_BYTES } from './manifest.ts';
import { planManifest } from './manifest-plan.ts';
import {
  type BucketSource,
  findObject,
  folderOf,
  keyUri,
  notOpened,
  objectFingerprint,
} from './s3-bucket.ts';
import { bucketObjects } from './s3-objects.ts';
import type { S3SourceOptions } from './s3-options.ts';
import { fetcherOf } from './urls.ts';

const TABLE = /\.(?:[ct]sv|jsonl|ndjson)$/i;

/** Whether a key is that of a file of rows. */
export const isTable = (key: string): boolean => TABLE.test(key);

/** A CSV, TSV or JSON Lines file in a bucket, as it was when it was opened, whose rows say what objects are. */
export class BucketTable {
  /** Of the file; rows are `<uri>#L<line>`. */
  readonly uri: string;
  readonly #source: BucketSource;
  readonly #object: S3Object;
  readonly #options: S3SourceOptions;
  #done = 0;

  constructor(source: BucketSource, object: S3Object, options: S3SourceOptions) {
    this.uri = keyUri(object.key.slice(source.folder.length));
    this.#source = source;
    this.#object = object;
    this.#options = options;
  }

  get key(): string {
    return this.#object.key;
  }

  /** One sentence for the user. Throws FatalError as `listManifest` does. */
  async describe(): Promise<string> {
    if (!this.#isCsv) return `JSON Lines ${this.uri} in the bucket ${this.#source.bucket}, one input a line`;
    const { reader, bucket } = this.#source;
    const { size } = this.#object;
    const head = await reader
      .access({ bucket, ...this.#object })
      .read(0, Math.min(size, PREFACE_BYTES))
      .catch((error: unknown) => {
        throw notOpened(error, `${this.uri} cannot be opened`);
      });
    const { uri } = this;
    const targets = { uri, resolveFile: this.#resolver() };
    const { describes } = await planManifest(head, head.length === size, targets, this.#options);
    return `${describes}, in the bucket ${bucket}`;
  }

  /** Of what is there now. */
  async fingerprint(): Promise<string> {
    const now = await findObject(this.#source, this.key);
    return now === undefined ? 'gone' : objectFingerprint(now);
  }

  /** Bytes that were read. */
  progress(): { done: number; total: number } {
    return { done: this.#done, total: this.#object.size };
  }

  /** Lists the rows. `onFound` is told of the key of every object of the bucket that a row names. */
  list(ctx: Context, onFound?: (key: string) => void): AsyncGenerator<Listed, ListingProof, void> {
    const input = {
      uri: this.uri,
      size: this.#object.size,
      open: () => this.#open(ctx.signal),
      resolveFile: this.#resolver(onFound),
      fetchUrl: fetcherOf(this.#options, ctx.clock),
    };
    if (this.#isCsv) return listManifest(input, this.#options, ctx);
    const lister = new JsonlLister({ ...input, idPrefix: this.#options.idPrefix });
    return listLines(input, (line) => lister.list(line), this.#options.maxLineBytes, ctx);
  }

  get #isCsv(): boolean {
    return /\.[ct]sv$/i.test(this.key);
  }

  #resolver(onFound?: (key: string) => void) {
    const { allowOutside } = this.#options;
    return bucketObjects(this.#source, folderOf(this.key), {
      allowOutside,
      ...(onFound === undefined ? {} : { onFound }),
    });
  }

  /** Pinned, so that what changed meanwhile is an error and no mixture. */
  async #open(signal: AbortSignal): Promise<Readable> {
    const { reader, bucket } = this.#source;
    const stream = await reader.open({ bucket, ...this.#object }, signal).catch((error: Error) => {
      if (!(error instanceof SluiceError) || error.code !== 'INPUT_CHANGED_WHILE_READ')
        throw notOpened(error, `${this.uri} cannot be opened`);
      throw new FatalError('SOURCE_CHANGED', error.message, { cause: error });
    });
    this.#done = 0;
    stream.on('data', (chunk: Buffer) => {
      this.#done += chunk.length;
    });
    stream.pause();
    return stream;
  }
}

/** The file of rows that an option names, by its key from the folder of the source or by its address. */
export async function openTable(
  source: BucketSource,
  named: string,
  options: S3SourceOptions,
): Promise<BucketTable> {
  const { bucket, folder } = source;
  const whole = formatS3({ bucket, key: '' });
  const key = named.startsWith(`${whole}/`) ? named.slice(whole.length + 1) : `${folder}${named}`;
  if (/^s3:\/\//i.test(named) && key === `${folder}${named}`)
    throw new FatalError('CONFIG_INVALID', `the manifest ${named} is not in the bucket ${bucket}`);
  if (!key.startsWith(folder))
    throw new FatalError('CONFIG_INVALID', `the manifest ${named} lies outside ${whole}/${folder}`);
  if (!isTable(key))
    throw new FatalError(
      'CONFIG_INVALID',
      `the manifest ${named} is to be a .csv, .tsv, .jsonl or .ndjson file`,
    );
  const object = await findObject(source, key);
  if (object === undefined)
    throw new FatalError('SOURCE_NOT_FOUND', `there is no object ${formatS3({ bucket, key })}`);
  return new BucketTable(source, object, options);
}
