import { createReadStream } from 'node:fs';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { FatalError } from '../../model/errors.ts';
import { formatS3 } from './address.ts';
import { isPathStyle } from './connections.ts';
import { s3Failure } from './errors.ts';

/** Of one request, the first included. */
const MAX_ATTEMPTS = 5;
/** S3 takes parts from 5 MiB on, and 10 000 of them. */
const PART_BYTES = 8_000_000;
const MAX_PARTS = 10_000;
/** Parts of one file on their way at once. */
const PARTS_AT_ONCE = 2;

/** A file of this machine that becomes an object. */
export interface LocalFile {
  key: string;
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * A bucket, at the endpoint and with the credentials that the SDK finds (environment, profile, role). Methods throw
 * FatalError EXPORT_UPLOAD_FAILED, or the signal's reason.
 */
export class Bucket {
  readonly name: string;
  readonly #client: S3Client;

  private constructor(name: string, client: S3Client) {
    this.name = name;
    this.#client = client;
  }

  static async open(name: string): Promise<Bucket> {
    const plain = new S3Client({ maxAttempts: MAX_ATTEMPTS });
    if (!(await isPathStyle(plain))) return new Bucket(name, plain);
    plain.destroy();
    return new Bucket(name, new S3Client({ maxAttempts: MAX_ATTEMPTS, forcePathStyle: true }));
  }

  close(): void {
    this.#client.destroy();
  }

  /** Size in bytes of every object whose key begins so. */
  async list(prefix: string, signal: AbortSignal): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    await this.#attempt('ListObjects', prefix, signal, async () => {
      const pages = paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.name, Prefix: prefix },
        { abortSignal: signal },
      );
      for await (const { Contents = [] } of pages)
        for (const { Key = '', Size = 0 } of Contents) found.set(Key, Size);
    });
    return found;
  }

  async read(key: string, signal: AbortSignal): Promise<string> {
    const command = new GetObjectCommand({ Bucket: this.name, Key: key });
    return this.#attempt('GetObject', key, signal, async () => {
      const { Body } = await this.#client.send(command, { abortSignal: signal });
      return (await Body?.transformToString()) ?? '';
    });
  }

  /** Whether the object is the file, by its size and the SHA-256 that its upload noted. */
  async has({ key, bytes, sha256 }: LocalFile, signal: AbortSignal): Promise<boolean> {
    const command = new HeadObjectCommand({ Bucket: this.name, Key: key });
    return this.#attempt('HeadObject', key, signal, async () => {
      const { ContentLength, Metadata } = await this.#client.send(command, { abortSignal: signal });
      return ContentLength === bytes && Metadata?.['sha256'] === sha256;
    });
  }

  async write(key: string, text: string, signal: AbortSignal): Promise<void> {
    const command = new PutObjectCommand({
      Bucket: this.name,
      Key: key,
      Body: text,
      ContentType: 'application/json',
    });
    await this.#attempt('PutObject', key, signal, () => this.#client.send(command, { abortSignal: signal }));
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.name, Key: key });
    await this.#attempt('DeleteObject', key, signal, () =>
      this.#client.send(command, { abortSignal: signal }),
    );
  }

  /** Uploads a file, in parts when it is large, and checks what the bucket then has. */
  async upload(file: LocalFile, signal: AbortSignal): Promise<void> {
    const { key, path, bytes, sha256 } = file;
    await this.#attempt('PutObject', key, signal, async () => {
      const upload = new Upload({
        client: this.#client,
        params: { Bucket: this.name, Key: key, Body: createReadStream(path), Metadata: { sha256 } },
        partSize: Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS)),
        queueSize: PARTS_AT_ONCE,
      });
      const abort = () => void upload.abort().catch(() => {});
      signal.addEventListener('abort', abort, { once: true });
      try {
        await upload.done();
      } finally {
        signal.removeEventListener('abort', abort);
      }
    });
    if (await this.has(file, signal)) return;
    const object = formatS3({ bucket: this.name, key });
    throw new FatalError('EXPORT_UPLOAD_FAILED', `${object} does not have the ${bytes} bytes that were sent`);
  }

  async #attempt<T>(operation: string, key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw s3Failure(error, operation, { bucket: this.name, key });
    }
  }
}
