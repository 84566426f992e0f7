import { formatS3 } from '../io/s3/address.ts';
import type { S3Object } from '../io/s3/options.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { type ArchiveOptions, listArchive } from './archive.ts';
import { Globs } from './globs.ts';
import { type BucketSource, findObject, keyUri, objectFingerprint } from './s3-bucket.ts';
import { BucketListing, held, type ListedBucket } from './s3-listing.ts';
import type { S3SourceOptions } from './s3-options.ts';
import { BucketTable } from './s3-table.ts';

/** The objects whose keys begin with a prefix. */
export class BucketLoader implements Loader {
  readonly describes: string;
  readonly #source: ListedBucket;
  readonly #options: S3SourceOptions;
  #startAfter: string | undefined;
  #listing: BucketListing | undefined;

  constructor(source: ListedBucket, options: S3SourceOptions) {
    const { bucket, prefix, manifest } = source;
    const which = prefix === '' ? '' : ` whose keys begin with ${prefix}`;
    const depth = options.recursive ? '' : ', without those in folders behind that';
    const rows = manifest === undefined ? '' : `, labelled by ${manifest.uri}`;
    this.describes = `S3 bucket ${bucket}, all objects${which}${depth}${rows}`;
    this.#source = source;
    this.#options = options;
  }

  /** Objects carry their own; only the rows of a manifest depend on it as a whole. */
  async fingerprint(): Promise<string | undefined> {
    return this.#source.manifest?.fingerprint();
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    this.#listing = new BucketListing(this.#source, this.#options, ctx, this.#startAfter);
    return this.#listing.list();
  }

  position(): string | undefined {
    return this.#listing?.passed;
  }

  startAt(position: string): void {
    this.#startAfter = position;
  }

  /** In objects; S3 does not say how many there are. */
  progress(): { done: number } {
    return { done: this.#listing?.found ?? 0 };
  }

  async close(): Promise<void> {
    this.#source.reader.close();
  }
}

/** The rows of a CSV, TSV or JSON Lines file. */
export class TableLoader implements Loader {
  readonly describes: string;
  readonly #source: BucketSource;
  readonly #table: BucketTable;

  private constructor(source: BucketSource, table: BucketTable, describes: string) {
    this.describes = describes;
    this.#source = source;
    this.#table = table;
  }

  static async open(source: BucketSource, object: S3Object, options: S3SourceOptions): Promise<TableLoader> {
    const table = new BucketTable(source, object, options);
    return new TableLoader(source, table, await table.describe());
  }

  fingerprint(): Promise<string> {
    return this.#table.fingerprint();
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    return this.#table.list(ctx);
  }

  progress(): { done: number; total: number } {
    return this.#table.progress();
  }

  async close(): Promise<void> {
    this.#source.reader.close();
  }
}

/** The entries of a ZIP archive, of which only what is read is fetched. */
export class ArchiveLoader implements Loader {
  readonly describes: string;
  readonly #source: BucketSource;
  readonly #object: S3Object;
  readonly #options: ArchiveOptions;
  #progress: { done: number; total?: number } = { done: 0 };

  constructor(source: BucketSource, object: S3Object, options: S3SourceOptions) {
    const globs = new Globs(options);
    this.describes = `ZIP archive ${formatS3({ bucket: source.bucket, key: object.key })}`;
    this.#source = source;
    this.#object = object;
    this.#options = {
      ...options,
      excluded: (name) => globs.fileExcluded(name),
      onProgress: (done, total) => {
        this.#progress = { done, total };
      },
    };
  }

  async fingerprint(): Promise<string> {
    const now = await findObject(this.#source, this.#object.key);
    return now === undefined ? 'gone' : objectFingerprint(now);
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const { reader, bucket, folder } = this.#source;
    const archive = {
      uri: keyUri(this.#object.key.slice(folder.length)),
      open: () => held(reader.access({ ...this.#object, bucket })),
    };
    return listArchive(archive, this.#options, ctx);
  }

  progress(): { done: number; total?: number } {
    return this.#progress;
  }

  async close(): Promise<void> {
    this.#source.reader.close();
  }
}
