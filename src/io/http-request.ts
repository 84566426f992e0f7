import { type Dispatcher, errors, request } from 'undici';
import { asError, RejectedItemError, RetryableError, SluiceError } from '../model/errors.ts';
import { AddressRefusedError, type AllowAddress, agentFor, assertHostAllowed } from './address-guard.ts';
import type { Hosts } from './http-hosts.ts';
import { percentDecoded, redactUrl } from './redact.ts';

export interface RequestLimits {
  allow: AllowAddress;
  connectTimeoutMs: number;
  headersTimeoutMs: number;
  stallTimeoutMs: number;
  maxRedirects: number;
  /** Shared by the requests of a run. */
  hosts?: Hosts;
}

export interface HttpResponse extends Pick<Dispatcher.ResponseData, 'statusCode' | 'body'> {
  headers: Record<string, string | undefined>;
  /** Where the redirects ended, without credentials. */
  url: URL;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * A GET request that follows redirects by hand, so that every hop is checked before it is connected to.
 *
 * Gives any final response, whatever its status. Throws RejectedItemError INPUT_INVALID_URL (malformed, not http or
 * https, refused address) or URL_FETCH_FAILED (too many redirects); RetryableError URL_FETCH_FAILED when the network
 * failed; the signal's reason. Messages show redacted URLs only.
 */
export async function requestUrl(
  start: string,
  headers: Record<string, string>,
  limits: RequestLimits,
  signal: AbortSignal,
): Promise<HttpResponse> {
  let target = start;
  let shown = redactUrl(start);
  let base: URL | undefined;
  for (let hop = 0; hop <= limits.maxRedirects; hop++) {
    const url = parseHttpUrl(target, base, shown);
    const authorization = takeCredentials(url);
    const response = await requestHop(url, { ...headers, ...authorization }, limits, signal, shown);
    const { location } = response.headers;
    if (!REDIRECTS.has(response.statusCode) || location === undefined) return response;
    discard(response);
    base = url;
    target = location;
    shown = `${redactUrl(start)}, redirected to ${redactUrl(location)} (hop ${hop + 1})`;
  }
  throw new RejectedItemError('URL_FETCH_FAILED', `${shown}: more than ${limits.maxRedirects} redirects`, {
    measured: limits.maxRedirects + 1,
    limit: limits.maxRedirects,
  });
}

function parseHttpUrl(text: string, base: URL | undefined, shown: string): URL {
  // No `cause` on purpose: the error of `new URL` carries the text, credentials included.
  const url = URL.parse(text, base?.href);
  if (url === null) throw new RejectedItemError('INPUT_INVALID_URL', `${shown}: not a URL`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RejectedItemError('INPUT_INVALID_URL', `${shown}: scheme ${url.protocol} is not http or https`);
  }
  return url;
}

/** Moves user name and password of the URL into a header; they are sent to the host that they were given for only. */
function takeCredentials(url: URL): { authorization?: string } {
  if (url.username === '' && url.password === '') return {};
  const pair = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`;
  url.username = '';
  url.password = '';
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Ends a response whose content nobody wants: a short rest is read, so that the connection can be used again. */
export function discard(response: HttpResponse): void {
  response.body.dump().catch(() => undefined);
}

async function requestHop(
  url: URL,
  headers: Record<string, string>,
  limits: RequestLimits,
  signal: AbortSignal,
  shown: string,
): Promise<HttpResponse> {
  const visit = await limits.hosts?.enter(url.host, shown, signal);
  try {
    assertHostAllowed(url, limits.allow);
    const response = await request(url, {
      headers: { 'user-agent': 'sluice', accept: '*/*', 'accept-encoding': 'identity', ...headers },
      dispatcher: agentFor(limits.allow, limits.connectTimeoutMs),
      headersTimeout: limits.headersTimeoutMs,
      bodyTimeout: limits.stallTimeoutMs,
      signal,
    });
    visit?.answered();
    response.body.once('close', () => visit?.leave());
    return { statusCode: response.statusCode, body: response.body, headers: single(response.headers), url };
  } catch (error) {
    visit?.leave();
    signal.throwIfAborted();
    const failure = networkFailure(error, shown, limits);
    if (failure instanceof RetryableError) visit?.failed(failure);
    throw failure;
  }
}

/** What an error of the network means; a SluiceError stays what it is. */
export function networkFailure(thrown: unknown, shown: string, limits: RequestLimits): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const cause = asError(thrown);
  if (cause instanceof AddressRefusedError) {
    return new RejectedItemError('INPUT_INVALID_URL', `${shown}: ${cause.message}`, { cause });
  }
  const seconds = (ms: number) => `within ${ms / 1000} s`;
  const failed = (why: string) => new RetryableError('URL_FETCH_FAILED', `${shown}: ${why}`, { cause });
  if (cause instanceof errors.ConnectTimeoutError) {
    return failed(`no connection ${seconds(limits.connectTimeoutMs)}`);
  }
  if (cause instanceof errors.HeadersTimeoutError)
    return failed(`no answer ${seconds(limits.headersTimeoutMs)}`);
  if (cause instanceof errors.BodyTimeoutError)
    return failed(`stalled: no byte ${seconds(limits.stallTimeoutMs)}`);
  return failed(reasonOf(cause));
}

/** Connecting to several addresses fails with an AggregateError, whose own message is empty. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each) => reasonOf(asError(each))).join('; ');
  return error.message;
}

function single(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}
