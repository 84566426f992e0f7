/** Parameter names that carry a secret: S3, GCS, Azure and CloudFront signatures, tokens, keys, passwords. */
const SECRET_NAME =
  /sig(nature)?$|token|secret|passw|pwd|credential|api[-_]?key|access[-_]?key|^key$|key-pair-id|^policy$|^auth|^code$|session|jwt/i;
/** Values that are opaque and long enough to be a key: JSON web tokens, base64, hex. */
const SECRET_VALUE = /^eyJ[\w-]+\.|^[\w+/=~-]{40,}$/;
const MARK = 'REDACTED';

/**
 * A URL that may be shown: without user name and password, values of signature-like parameters, and fragment.
 *
 * Takes what is no URL too, because that is what error messages are about.
 */
export function redactUrl(url: string): string {
  const withoutFragment = url.replace(/#.*$/s, '');
  const queryAt = withoutFragment.indexOf('?');
  const place = queryAt === -1 ? withoutFragment : withoutFragment.slice(0, queryAt);
  // Up to the last @ before the path: a password may itself hold one.
  const shown = place.replace(/^([a-z][a-z0-9+.-]*:[/\\]*)[^/\\]*@/i, '$1');
  return queryAt === -1 ? shown : `${shown}?${redactQuery(withoutFragment.slice(queryAt + 1))}`;
}

function redactQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals === -1) return SECRET_VALUE.test(percentDecoded(pair)) ? MARK : pair;
      const name = pair.slice(0, equals);
      const secret =
        SECRET_NAME.test(percentDecoded(name)) || SECRET_VALUE.test(percentDecoded(pair.slice(equals + 1)));
      return secret ? `${name}=${MARK}` : pair;
    })
    .join('&');
}

/** Percent-decoded; what is no valid encoding stays as it is. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
