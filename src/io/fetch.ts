import type { Readable } from 'node:stream';
import type { Clock, Fetched } from '../model/contracts.ts';
import { type AllowAddress, isPublicAddress } from './address-guard.ts';
import { decodeContent } from './content-encoding.ts';
import { Download } from './download.ts';
import { Hosts } from './http-hosts.ts';

export interface OpenUrlOptions {
  signal: AbortSignal;
  clock: Clock;
  /** Also connect to private, loopback and link-local addresses. */
  allowPrivateAddresses?: boolean;
  /** Decides address by address instead; called with the address that is about to be connected to. */
  allowAddress?: AllowAddress;
  /** The most bytes that the content may have, after decoding. */
  maxBytes?: number;
  /** 10 s unless given. */
  connectTimeoutMs?: number;
  /** Until the answer begins; 30 s unless given. */
  headersTimeoutMs?: number;
  /** Longest time without a byte while the content is read; 30 s unless given. */
  stallTimeoutMs?: number;
  /** 5 unless given. */
  maxRedirects?: number;
  /** Attempts in all, for the answer and the content together; 4 unless given. */
  attempts?: number;
  /** Upper bound of the first wait between attempts; 500 ms unless given. */
  retryBaseMs?: number;
  /** Bounds the requests to one host; shared by those of a run. */
  hosts?: Hosts;
}

/** A fingerprint of content that is known already: where the server says that it is the same, nothing is sent. */
interface Known {
  stored: string | undefined;
}

export interface OpenedUrl {
  /** The content. Destroying it ends the transfer; it fails with what `openUrl` may throw. */
  stream: Readable;
  /** Bytes, when the server says so. */
  size?: number;
  /** To be given as `stored` another time; absent where the server gives neither ETag nor a usable Last-Modified. */
  fingerprint?: string;
  contentType?: string;
  /** After redirects, redacted. */
  finalUrl: string;
}

const allowAny: AllowAddress = () => true;

/**
 * Opens a URL for reading.
 *
 * Private addresses are refused, on every redirect and for the very address that is connected to. Attempts that
 * failed are made again with back-off, also in the middle of the content: from where it broke off, when the server
 * can prove (ETag or Last-Modified) that it still has the same content. A body that is shorter than announced is an
 * error.
 *
 * Throws RejectedItemError INPUT_INVALID_URL, INPUT_OVER_LIMIT, INPUT_NOT_FOUND (404, 410),
 * INPUT_PERMISSION_DENIED (401, 403) or URL_FETCH_FAILED (what another attempt in this run cannot change);
 * RetryableError URL_FETCH_FAILED after the last attempt; ThrottledError URL_FETCH_FAILED when the server kept
 * answering 429 or 503; the signal's reason. Credentials never appear in messages.
 */
export async function openUrl(url: string, options: OpenUrlOptions & Known): Promise<OpenedUrl | 'unchanged'>;
export async function openUrl(url: string, options: OpenUrlOptions): Promise<OpenedUrl>;
export async function openUrl(
  url: string,
  options: OpenUrlOptions & Partial<Known>,
): Promise<OpenedUrl | 'unchanged'> {
  options.signal.throwIfAborted();
  const download = new Download(url, {
    signal: options.signal,
    clock: options.clock,
    allow: options.allowAddress ?? (options.allowPrivateAddresses ? allowAny : isPublicAddress),
    maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 30_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    maxRedirects: options.maxRedirects ?? 5,
    attempts: options.attempts ?? 4,
    baseMs: options.retryBaseMs ?? 500,
    maxMs: 30_000,
    stored: options.stored,
    ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
  });
  const answer = await download.open();
  if (answer === 'unchanged') return answer;
  const { size, fingerprint, contentType, encoding, finalUrl } = answer;
  const wire = download.stream();
  return {
    stream:
      encoding === undefined
        ? wire
        : decodeContent(wire, encoding, finalUrl, (bytes) => download.assertWithin(bytes)),
    ...(size === undefined || encoding !== undefined ? {} : { size }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(contentType === undefined ? {} : { contentType }),
    finalUrl,
  };
}

/** How the URLs of one run are fetched. */
export interface FetcherOptions
  extends Pick<
    OpenUrlOptions,
    'allowPrivateAddresses' | 'connectTimeoutMs' | 'headersTimeoutMs' | 'stallTimeoutMs' | 'attempts'
  > {
  /** Requests to one host at once; 6 unless given. */
  perHost?: number;
}

/** Opens a URL as `SourceItem.fetch` does. */
export type FetchUrl = (url: string, signal: AbortSignal, stored?: string) => Promise<Fetched>;

/** What opens the URLs of one run; throws as `openUrl` does. */
export function urlFetcher({ perHost = 6, ...options }: FetcherOptions, clock: Clock): FetchUrl {
  const hosts = new Hosts(perHost, clock);
  return (url, signal, stored) => openUrl(url, { ...options, clock, hosts, signal, stored });
}
