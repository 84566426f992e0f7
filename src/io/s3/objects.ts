import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { RetryableError } from '../../model/errors.ts';
import type { S3Page } from './listing.ts';
import { S3Reader } from './reader.ts';
import { Requests, type Target } from './requests.ts';
import { statusOf, type Thrown } from './thrown.ts';
import { uploadInParts } from './upload-parts.ts';

/** Larger files are uploaded in parts. */
const ONE_PUT_BYTES = 5_000_000;

/** An answer to HEAD has no body, and so only says the latter, of a bucket that is gone too. */
const ABSENT = new Set(['NoSuchKey', 'NotFound']);

export interface StoredObject {
  body: Buffer;
  etag: string;
  /** Milliseconds between its last write and the answer, both by the server's clock; undefined where it tells neither. */
  ageMs: number | undefined;
}

/** Only where there is no such object, or where it still has this ETag. */
export type Condition = 'absent' | { etag: string };

/** How LanceDB reaches a bucket. */
export interface BucketAccess {
  endpoint: string | undefined;
  region: string;
  /** Undefined where they expire, so that LanceDB must find and renew them itself. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
}

/**
 * The objects of one bucket, read and written whole, at the endpoint and with the credentials that the SDK finds.
 * Methods throw what `S3Reader` throws.
 */
export class Objects {
  readonly bucket: string;
  readonly #requests: Requests;
  readonly #reader: S3Reader;

  private constructor(bucket: string, requests: Requests) {
    this.bucket = bucket;
    this.#requests = requests;
    this.#reader = new S3Reader(requests);
  }

  static async open(bucket: string): Promise<Objects> {
    return new Objects(bucket, await Requests.open({}, {}));
  }

  /** Undefined where there is none. */
  get(key: string): Promise<StoredObject | undefined> {
    return this.#send('GetObject', key, async (client) => {
      const command = new GetObjectCommand({ Bucket: this.bucket, Key: key });
      const date = answerDate(command);
      const { Body, ETag = '', LastModified } = await client.send(command);
      const body = Buffer.from((await Body?.transformToByteArray()) ?? []);
      const now = date();
      const ageMs =
        now === undefined || LastModified === undefined ? undefined : now - LastModified.getTime();
      return { body, etag: ETag, ageMs };
    });
  }

  /** Bytes; undefined where there is none. */
  size(key: string): Promise<number | undefined> {
    return this.#send('HeadObject', key, async (client) => {
      const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key });
      return (await client.send(command)).ContentLength ?? 0;
    });
  }

  /** The ETag that the object then has; undefined where the condition was not met. */
  put(key: string, body: Uint8Array, condition?: Condition): Promise<string | undefined> {
    let attempts = 0;
    return this.#send('PutObject', key, async (client) => {
      attempts++;
      const command = new PutObjectCommand({
        Bucket: this.bucket,
        Key: key,
        Body: body,
        ...(condition === undefined
          ? {}
          : condition === 'absent'
            ? { IfNoneMatch: '*' }
            : { IfMatch: condition.etag }),
      });
      try {
        return (await client.send(command)).ETag ?? '';
      } catch (thrown) {
        const status = statusOf(thrown as Thrown);
        if (condition === undefined || (status !== 409 && status !== 412)) throw thrown;
        if (status === 409) throw conflict(thrown, key);
        // An attempt whose answer was lost may have written it.
        if (attempts === 1) return undefined;
        const there = await client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
        const same = Buffer.from((await there.Body?.transformToByteArray()) ?? []).equals(body);
        return same ? (there.ETag ?? '') : undefined;
      }
    });
  }

  /** Writes a file of this machine. */
  async upload(key: string, path: string, bytes: number): Promise<void> {
    if (bytes <= ONE_PUT_BYTES) await this.put(key, await readFile(path));
    else
      await this.#send('PutObject', key, async (client) => {
        await uploadInParts(client, { bucket: this.bucket, key }, path, bytes);
        return true;
      });
  }

  /** Also where there is none. */
  async remove(key: string): Promise<void> {
    await this.#send('DeleteObject', key, (client) =>
      client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key })),
    );
  }

  /** Objects whose keys begin so, page by page; with a delimiter only those directly below. */
  list(prefix: string, delimiter?: '/'): AsyncGenerator<S3Page, void, void> {
    const options = delimiter === undefined ? { prefix } : { prefix, delimiter };
    return this.#reader.list(this.bucket, options, this.#requests.closed);
  }

  /** Goes on from its offset when it breaks. */
  open(key: string): Promise<Readable> {
    return this.#reader.open({ bucket: this.bucket, key }, this.#requests.closed);
  }

  /** What the SDK finds, for other clients than its own. */
  async access(): Promise<BucketAccess> {
    const client = new S3Client({});
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await client.config.credentials();
      return {
        endpoint: await configuredEndpoint(),
        region: this.#requests.regionOf(this.bucket),
        credentials:
          expiration === undefined
            ? { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
            : undefined,
      };
    } finally {
      client.destroy();
    }
  }

  /** Whose credentials are used, without any secret. */
  identity(): Promise<string> {
    return this.#requests.identity();
  }

  close(): void {
    this.#requests.close();
  }

  /** Undefined where there is no such object. */
  #send<T>(
    operation: Target['operation'],
    key: string,
    request: (client: S3Client) => Promise<T>,
  ): Promise<T | undefined> {
    const target = { operation, bucket: this.bucket, key };
    return this.#requests.send(target, this.#requests.closed, async (client) => {
      try {
        return await request(client);
      } catch (thrown) {
        const error = thrown as Thrown;
        if (ABSENT.has(error.name ?? '')) return undefined;
        throw thrown;
      }
    });
  }
}

/** The server that the SDK finds in the environment or profile; undefined for Amazon's. */
export async function configuredEndpoint(): Promise<string | undefined> {
  const client = new S3Client({});
  try {
    return await client.config.serviceConfiguredEndpoint?.();
  } finally {
    client.destroy();
  }
}

const conflict = (cause: unknown, key: string) =>
  new RetryableError('DELIVERY_FAILED', `another write of ${key} was under way`, { cause });

/** When the server answered, once it has; by its own clock. */
function answerDate(command: GetObjectCommand): () => number | undefined {
  let date: number | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { headers } = answer.response as { headers?: Record<string, string> };
      const time = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(time)) date = time;
      return answer;
    },
    { step: 'deserialize' },
  );
  return () => date;
}
