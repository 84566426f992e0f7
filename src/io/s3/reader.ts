import type { Readable } from 'node:stream';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { RandomAccess } from '../zip/random-access.ts';
import { type ListOptions, listPages, type S3Page } from './listing.ts';
import { ObjectAccess, type PinnedObject } from './object-access.ts';
import { ObjectBody, type Wanted } from './object-body.ts';
import type { ObjectName, S3Object, S3Options, S3Timing } from './options.ts';
import { Requests } from './requests.ts';
import { SegmentCache } from './segment-cache.ts';

/** Of pieces of objects that are read by ranges, all together. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Opens no connection yet. Throws FatalError CONFIG_INVALID. */
export async function openS3(options: S3Options = {}, timing: S3Timing = {}): Promise<S3Reader> {
  return new S3Reader(await Requests.open(options, timing));
}

/**
 * Reads buckets. How many requests are under way at once follows what the server bears; being throttled costs no
 * attempt. Besides what the methods say, they throw FatalError SOURCE_ACCESS_DENIED or SOURCE_NOT_FOUND for
 * credentials, regions and buckets that cannot be used, and the signal's reason.
 */
export class S3Reader {
  readonly #requests: Requests;
  readonly #cache = new SegmentCache(CACHE_BYTES);

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The objects whose keys begin with a prefix. Throws FatalError SOURCE_INCOMPLETE for a listing that is not whole. */
  list(bucket: string, options: ListOptions, signal: AbortSignal): AsyncGenerator<S3Page, void, void> {
    return listPages(this.#requests, bucket, options, signal);
  }

  /**
   * The bytes of an object, only of the content that `etag` and `size` name where they are given. Throws, as the
   * stream does later: RejectedItemError INPUT_NOT_FOUND, INPUT_PERMISSION_DENIED, INPUT_ARCHIVED,
   * INPUT_CHANGED_WHILE_READ or INPUT_READ_FAILED; RetryableError INPUT_READ_FAILED; ThrottledError.
   */
  open({ bucket, key, etag, size }: Omit<Wanted, 'range'>, signal: AbortSignal): Promise<Readable> {
    const wanted = {
      bucket,
      key,
      ...(etag === undefined ? {} : { etag }),
      ...(size === undefined ? {} : { size }),
    };
    return new ObjectBody(this.#requests, wanted, signal).open();
  }

  /** An object to be read by ranges; nothing is asked for yet. Its methods throw as `open` does. */
  access(object: PinnedObject): RandomAccess {
    return new ObjectAccess(this.#requests, object, this.#cache, (name) => this.head(name));
  }

  /** What the server says of an object. Throws as `open` does. */
  head({ bucket, key }: ObjectName): Promise<S3Object> {
    const signal = this.#requests.closed;
    const command = new HeadObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(this.#requests.requesterPays ? { RequestPayer: 'requester' } : {}),
    });
    return this.#requests.send({ operation: 'HeadObject', bucket, key }, signal, async (client) => {
      const answer = await client.send(command, { abortSignal: signal });
      const { ContentLength = 0, ETag = '', StorageClass, LastModified } = answer;
      return {
        key,
        size: ContentLength,
        etag: ETag,
        ...(StorageClass === undefined ? {} : { storageClass: StorageClass }),
        ...(LastModified === undefined ? {} : { modifiedAt: LastModified }),
      };
    });
  }

  /** Whose credentials are used, without any secret. */
  identity(): Promise<string> {
    return this.#requests.identity();
  }

  /** Ends whatever is under way. */
  close(): void {
    this.#requests.close();
  }
}
