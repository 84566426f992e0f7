/** What the SDK throws, as far as it is told apart here. */
export interface Thrown {
  name?: string;
  code?: string;
  message?: string;
  /** As the body says it. */
  Code?: string;
  /** In AuthorizationHeaderMalformed: the one that the bucket is in. */
  Region?: string;
  $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean };
  $response?: { headers?: Record<string, string> };
}

const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired']);
/** The last one is versitygw's name of the first. */
const BAD_CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'XAdminUserNotFound',
]);
const THROTTLING = new Set(['SlowDown', 'Throttling', 'ThrottlingException', 'RequestLimitExceeded']);
const OTHER_REGION = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);

export const statusOf = ({ $metadata }: Thrown): number | undefined => $metadata?.httpStatusCode;

export const isExpired = ({ name = '' }: Thrown): boolean => EXPIRED.has(name);

/** An answer to HEAD has no body, so that nothing tells what is bad about the request; expired credentials are. */
export const mayBeExpired = (thrown: Thrown): boolean =>
  isExpired(thrown) || (statusOf(thrown) === 400 && thrown.Code === undefined);

export const isBadCredentials = ({ name = '' }: Thrown): boolean => BAD_CREDENTIALS.has(name);

export const hasNoCredentials = ({ name }: Thrown): boolean =>
  name === 'CredentialsProviderError' || name === 'TokenProviderError';

/** Where there is no body to say so, the server's date does. */
export const isSkewed = (thrown: Thrown): boolean =>
  thrown.name === 'RequestTimeTooSkewed' ||
  (statusOf(thrown) === 403 && thrown.Code === undefined && thrown.$metadata?.clockSkewCorrected === true);

export function isThrottling(thrown: Thrown): boolean {
  const status = statusOf(thrown);
  return status === 429 || status === 503 || THROTTLING.has(thrown.name ?? '');
}

/** The region that the server names, when it says that the bucket is in another one. */
export function otherRegionOf(thrown: Thrown): string | undefined {
  const status = statusOf(thrown);
  if (status !== 301 && status !== 307 && status !== 400) return undefined;
  const named = thrown.$response?.headers?.['x-amz-bucket-region'];
  return named ?? (OTHER_REGION.has(thrown.name ?? '') ? thrown.Region : undefined);
}

export const isInOtherRegion = (thrown: Thrown): boolean =>
  statusOf(thrown) === 301 || OTHER_REGION.has(thrown.name ?? '');

/** Whether a secure connection failed because of who the server says it is. */
export const isUntrusted = ({ code = '' }: Thrown): boolean =>
  /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_(?:GET_ISSUER|VERIFY)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT)/.test(code);

/** Seconds that the server asks to wait, in milliseconds. */
export function askedWaitMs({ $response }: Thrown): number | undefined {
  const seconds = Number($response?.headers?.['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
