import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { FatalError, SluiceError } from '../../model/errors.ts';
import { formatS3 } from './address.ts';
import { withDeadline } from './deadline.ts';
import { compareKeys } from './key-order.ts';
import type { S3Object } from './options.ts';
import type { Requests } from './requests.ts';

export interface ListOptions {
  /** What the keys begin with; not a folder. Empty for all. */
  prefix: string;
  /** Keys after this one only. */
  startAfter?: string;
  /** Keys with it behind the prefix are told by their common beginning only. */
  delimiter?: string;
}

export interface S3Page {
  /** By key, in the order of their UTF-8 bytes. */
  objects: S3Object[];
  /** Of a listing with a delimiter; they end with it. */
  prefixes: string[];
  isLast: boolean;
}

/** A server that keeps sending these is not going to end. */
const MAX_EMPTY_PAGES = 1000;

/**
 * The objects of a bucket, page by page; at most one page is fetched ahead.
 *
 * Every page must go on where the last one ended. Throws FatalError SOURCE_INCOMPLETE for a listing that repeats,
 * jumps or ends early; SOURCE_NOT_FOUND or SOURCE_ACCESS_DENIED for one that cannot begin; the signal's reason.
 */
export async function* listPages(
  requests: Requests,
  bucket: string,
  options: ListOptions,
  signal: AbortSignal,
): AsyncGenerator<S3Page, void, void> {
  if (bucket.endsWith('--x-s3'))
    throw new FatalError(
      'SOURCE_FEATURE_UNSUPPORTED',
      `${bucket} is a directory bucket, which lists its objects in no order; copy them to a general purpose bucket`,
    );
  const either = AbortSignal.any([signal, requests.closed]);
  const check = new ListingCheck(bucket, options);
  let pending: Promise<ListObjectsV2CommandOutput> | undefined = fetchPage(
    requests,
    bucket,
    options,
    undefined,
    either,
  );
  while (pending !== undefined) {
    const answer: ListObjectsV2CommandOutput = await pending.catch((error: unknown) => {
      either.throwIfAborted();
      throw check.interrupted(error);
    });
    const page = check.page(answer);
    pending = page.isLast
      ? undefined
      : fetchPage(requests, bucket, options, answer.NextContinuationToken, either);
    // Its failure is told when it is asked for, if ever.
    pending?.catch(() => {});
    yield page;
  }
}

function fetchPage(
  requests: Requests,
  bucket: string,
  { prefix, startAfter, delimiter }: ListOptions,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ListObjectsV2CommandOutput> {
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    // Keys may have characters that XML has not.
    EncodingType: 'url',
    ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
    ...(token !== undefined
      ? { ContinuationToken: token }
      : startAfter === undefined
        ? {}
        : { StartAfter: startAfter }),
    ...(requests.requesterPays ? { RequestPayer: 'requester' } : {}),
  });
  const target = { operation: 'ListObjectsV2', bucket, key: prefix } as const;
  return requests.send(target, signal, (client) =>
    withDeadline(formatS3(target), 2 * requests.stallTimeoutMs, signal, (abortSignal) =>
      client.send(command, { abortSignal }),
    ),
  );
}

/** Follows a listing and finds what no whole listing has. */
class ListingCheck {
  readonly #shown: string;
  readonly #prefix: string;
  #lastKey: string | undefined;
  #lastPrefix: string | undefined;
  #token: string | undefined;
  #emptyPages = 0;
  #begun = false;

  constructor(bucket: string, { prefix, startAfter }: ListOptions) {
    this.#shown = formatS3({ bucket, key: prefix });
    this.#prefix = prefix;
    this.#lastKey = startAfter;
  }

  page(answer: ListObjectsV2CommandOutput): S3Page {
    const { Contents = [], CommonPrefixes = [], EncodingType, KeyCount, IsTruncated } = answer;
    if (IsTruncated === undefined) throw this.#noListing();
    const decode = EncodingType === 'url' ? (text: string) => this.#decoded(text) : (text: string) => text;
    this.#begun = true;
    const objects: S3Object[] = [];
    for (const { Key, Size, ETag, StorageClass, LastModified } of Contents) {
      if (Key === undefined || Size === undefined)
        throw this.#broken('the server lists an object without its key or size');
      const key = decode(Key);
      this.#lastKey = this.#follows(key, this.#lastKey);
      objects.push({
        key,
        size: Size,
        etag: ETag ?? '',
        ...(StorageClass === undefined ? {} : { storageClass: StorageClass }),
        ...(LastModified === undefined ? {} : { modifiedAt: LastModified }),
      });
    }
    const prefixes: string[] = [];
    for (const { Prefix = '' } of CommonPrefixes) {
      const prefix = decode(Prefix);
      this.#lastPrefix = this.#follows(prefix, this.#lastPrefix);
      prefixes.push(prefix);
    }
    const count = objects.length + prefixes.length;
    if (KeyCount !== undefined && KeyCount !== count)
      throw this.#broken(`the server announces ${KeyCount} keys and lists ${count}`);
    this.#checkEnd(IsTruncated, answer.NextContinuationToken, count);
    return { objects, prefixes, isLast: !IsTruncated };
  }

  /** What a listing that could not begin, or could not go on, means. */
  interrupted(error: unknown): unknown {
    if (!(error instanceof SluiceError) || error instanceof FatalError) return error;
    if (this.#begun) return this.#broken(error.message, error);
    const message = `${this.#shown} cannot be listed: ${error.message}; check the endpoint and the network`;
    return new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
  }

  /** Of a page for people, say, the SDK makes a listing without keys; the bucket would count as empty. */
  #noListing(): FatalError {
    if (this.#begun) return this.#broken('the server does not say whether there is more');
    const why = 'what answers sends no listing; check that the endpoint is that of an S3 server';
    return new FatalError('SOURCE_NOT_FOUND', `${this.#shown} cannot be listed: ${why}`);
  }

  #checkEnd(truncated: boolean, token: string | undefined, count: number): void {
    if (truncated && (token === undefined || token === ''))
      throw this.#broken('the server says that there is more, and not how to ask for it');
    if (!truncated && token !== undefined && token !== '')
      throw this.#broken('the server ends the listing, and says how to go on with it');
    if (truncated && token === this.#token)
      throw this.#broken('the server sends the same page again and again');
    this.#token = token;
    this.#emptyPages = count > 0 ? 0 : this.#emptyPages + 1;
    if (truncated && this.#emptyPages > MAX_EMPTY_PAGES)
      throw this.#broken(`the server sent ${MAX_EMPTY_PAGES} pages without a key`);
  }

  #follows(key: string, last: string | undefined): string {
    if (!key.startsWith(this.#prefix))
      throw this.#broken(`the server lists ${JSON.stringify(key)}, which was not asked for`);
    if (last !== undefined && compareKeys(key, last) <= 0)
      throw this.#broken(
        `the server lists ${JSON.stringify(key)} after ${JSON.stringify(last)}: it repeats itself, or lists in no order`,
      );
    return key;
  }

  #decoded(text: string): string {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '));
    } catch (error) {
      throw this.#broken(`the server lists ${JSON.stringify(text)}, which is not URL-encoded`, error);
    }
  }

  #broken(why: string, cause?: unknown): FatalError {
    const after = this.#lastKey === undefined ? '' : ` after ${JSON.stringify(this.#lastKey)}`;
    return new FatalError('SOURCE_INCOMPLETE', `the listing of ${this.#shown} broke off${after}: ${why}`, {
      cause,
    });
  }
}
