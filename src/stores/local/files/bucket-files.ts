import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import PQueue from 'p-queue';
import { formatS3, parseS3Address } from '../../../io/s3/address.ts';
import { Objects } from '../../../io/s3/objects.ts';
import type { Clock } from '../../../model/contracts.ts';
import { bucketFailure } from './bucket-failure.ts';
import { BucketLock } from './bucket-lock.ts';
import { LocalCopies } from './local-copies.ts';
import type { Move, StoredFile, StoreFiles } from './store-files.ts';

/** Small files are uploaded from memory, many at once; of large ones a part or two are in memory. */
const SMALL_BYTES = 1_000_000;
const SMALL_AT_ONCE = 32;
const LARGE_AT_ONCE = 4;

/** The files of a store in a bucket: `<prefix>/x` is the path `s3://<bucket>/<prefix>/x`. There are no folders. */
export class BucketFiles implements StoreFiles {
  readonly #objects: Objects;
  readonly #copies = new LocalCopies();
  readonly #small = new PQueue({ concurrency: SMALL_AT_ONCE });
  readonly #large = new PQueue({ concurrency: LARGE_AT_ONCE });

  private constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** Asks nothing yet. Throws FatalError CONFIG_INVALID. */
  static async open(root: string): Promise<BucketFiles> {
    return new BucketFiles(await Objects.open(parseS3Address(root).bucket));
  }

  async read(path: string): Promise<Buffer | undefined> {
    return (await this.#try(path, (key) => this.#objects.get(key)))?.body;
  }

  async write(path: string, data: string | Uint8Array): Promise<void> {
    await this.#try(path, (key) => this.#objects.put(key, Buffer.from(data)));
  }

  async create(path: string, data: string): Promise<boolean> {
    const etag = await this.#try(path, (key) => this.#objects.put(key, Buffer.from(data), 'absent'));
    return etag !== undefined;
  }

  remove(path: string): Promise<void> {
    return this.#try(path, (key) => this.#objects.remove(key));
  }

  sizeOf(path: string): Promise<number | undefined> {
    return this.#try(path, (key) => this.#objects.size(key));
  }

  async open(path: string): Promise<Readable | undefined> {
    if ((await this.sizeOf(path)) === undefined) return undefined;
    return this.#try(path, (key) => this.#objects.open(key));
  }

  names(folder: string): Promise<string[]> {
    return this.#try(folder, async (key) => {
      const prefix = key === '' ? '' : `${key}/`;
      const found: string[] = [];
      for await (const { objects, prefixes } of this.#objects.list(prefix, '/')) {
        for (const object of objects) found.push(object.key.slice(prefix.length));
        for (const name of prefixes) found.push(name.slice(prefix.length, -1));
      }
      return found.filter((name) => name !== '').sort();
    });
  }

  async *walk(folder: string): AsyncGenerator<StoredFile> {
    const prefix = `${this.#keyOf(folder)}/`;
    const pages = this.#objects.list(prefix);
    for (;;) {
      const page = await this.#try(folder, () => pages.next());
      if (page.done) return;
      for (const { key, size, modifiedAt } of page.value.objects) {
        const parts = key.slice(prefix.length).split('/');
        if (parts.length !== 2 || parts[1] === '') continue;
        const path = formatS3({ bucket: this.#objects.bucket, key });
        yield { name: parts[1]!, path, bytes: size, modifiedAt: modifiedAt?.getTime() ?? 0 };
      }
    }
  }

  async adopt(moves: readonly Move[]): Promise<void> {
    const settled = await Promise.allSettled(moves.map((move) => this.#adopt(move)));
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
  }

  async #adopt({ from, to }: Move): Promise<void> {
    const { size } = await stat(from);
    const queue = size <= SMALL_BYTES ? this.#small : this.#large;
    await queue.add(() => this.upload(from, to));
    await rm(from, { force: true });
  }

  /** Copies a file of this machine. */
  async upload(from: string, to: string): Promise<void> {
    const { size } = await stat(from);
    await this.#try(to, (key) => this.#objects.upload(key, from, size));
  }

  /** A PUT that was answered is durable. */
  async sync(): Promise<void> {}

  async makeFolders(): Promise<void> {}

  localCopy(path: string): Promise<string | undefined> {
    return this.#copies.of(path, () => this.open(path));
  }

  lock(folder: string, clock: Clock): BucketLock {
    return new BucketLock(this.#objects, this.#keyOf(folder), folder, clock, (work) =>
      this.#try(folder, work),
    );
  }

  /** Static credentials go along; those that expire LanceDB finds in the same sources, and renews. */
  async tableOptions(): Promise<{ storageOptions: Record<string, string> }> {
    const { endpoint, region, credentials } = await this.#objects.access();
    return {
      storageOptions: {
        aws_region: region,
        ...(endpoint === undefined
          ? {}
          : {
              aws_endpoint: endpoint,
              aws_virtual_hosted_style_request: 'false',
              allow_http: String(endpoint.startsWith('http:')),
            }),
        ...(credentials === undefined
          ? {}
          : {
              aws_access_key_id: credentials.accessKeyId,
              aws_secret_access_key: credentials.secretAccessKey,
              ...(credentials.sessionToken === undefined
                ? {}
                : { aws_session_token: credentials.sessionToken }),
            }),
      },
    };
  }

  close(): void {
    this.#copies.close();
    this.#objects.close();
  }

  #keyOf(path: string): string {
    return path.slice(`s3://${this.#objects.bucket}/`.length);
  }

  async #try<T>(path: string, work: (key: string) => Promise<T>): Promise<T> {
    try {
      return await work(this.#keyOf(path));
    } catch (error) {
      throw await bucketFailure(error, path, () => this.#objects.identity());
    }
  }
}
