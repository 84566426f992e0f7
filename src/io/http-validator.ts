import { shortHash } from '../model/ids.ts';
import type { HttpResponse } from './http-request.ts';

const FINGERPRINT = /^(?<name>etag|modified):(?<value>.+) (?<place>[0-9a-z]{16})$/;

/**
 * Identifies the content that a URL had: `etag:"v1" <place>` or `modified:<date> <place>`; undefined where the server
 * says nothing that could.
 *
 * A validator means something only for the resource that it came from, so it is kept with a hash of the URL that was
 * asked for and of the one that answered. A date counts only when the answer is younger than it: within the same
 * second the content may have changed again (RFC 9110 §8.8.2.2).
 */
export function fingerprintOf(asked: string, { headers, url }: HttpResponse): string | undefined {
  const { etag, date, 'last-modified': modified } = headers;
  if (etag !== undefined && etag !== '') return `etag:${etag} ${placeOf(asked, url)}`;
  if (modified === undefined || date === undefined) return undefined;
  return Date.parse(date) > Date.parse(modified) ? `modified:${modified} ${placeOf(asked, url)}` : undefined;
}

/** The headers that ask for the content only where it is no longer what the fingerprint says; none for another URL's. */
export function conditionOf(fingerprint: string): Record<string, string> | undefined {
  const { name, value } = FINGERPRINT.exec(fingerprint)?.groups ?? {};
  if (name === undefined) return undefined;
  return { [name === 'etag' ? 'if-none-match' : 'if-modified-since']: value! };
}

/** Whether "not modified" is about the content of the fingerprint: the same URL was asked for, and the same answered. */
export const isSamePlace = (fingerprint: string, asked: string, answered: URL): boolean =>
  fingerprint.endsWith(` ${placeOf(asked, answered)}`);

/** Without the query of the answering URL, which often is a signature of the hour. */
const placeOf = (asked: string, answered: URL): string =>
  shortHash(`${asked}\n${answered.origin}${answered.pathname}`);
