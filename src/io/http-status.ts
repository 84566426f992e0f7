import type { IncomingHttpHeaders } from 'node:http';
import { RejectedItemError, RetryableError, type SluiceError, ThrottledError } from '../model/errors.ts';

/** Statuses below 500 that another attempt may change. */
const TRANSIENT = new Set([408, 421, 425, 429]);

/** What an error status means for an item; `url` is already redacted, `now` in milliseconds. */
export function statusFailure(
  status: number,
  headers: IncomingHttpHeaders,
  url: string,
  now: number,
): SluiceError {
  const message = `${url} answered with status ${status}`;
  if (status === 404 || status === 410) return new RejectedItemError('INPUT_NOT_FOUND', message);
  if (status === 401 || status === 403) return new RejectedItemError('INPUT_PERMISSION_DENIED', message);
  if (status === 429 || status === 503) {
    const waitMs = retryAfterMs(headers['retry-after'], now);
    if (waitMs !== undefined) return new ThrottledError('URL_FETCH_FAILED', message, waitMs);
  }
  if (status >= 500 || TRANSIENT.has(status)) return new RetryableError('URL_FETCH_FAILED', message);
  return new RejectedItemError('URL_FETCH_FAILED', message);
}

/** Seconds or a date, as RFC 9110 §10.2.3 has it. */
function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
