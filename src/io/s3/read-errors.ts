import {
  FatalError,
  RejectedItemError,
  RetryableError,
  SluiceError,
  ThrottledError,
} from '../../model/errors.ts';
import { formatS3 } from './address.ts';
import {
  askedWaitMs,
  hasNoCredentials,
  isBadCredentials,
  isExpired,
  isInOtherRegion,
  isSkewed,
  isThrottling,
  isUntrusted,
  statusOf,
  type Thrown,
} from './thrown.ts';

/** What was asked for when it failed. */
export interface Asked {
  operation: 'ListObjectsV2' | 'GetObject' | 'HeadObject' | 'PutObject' | 'DeleteObject';
  bucket: string;
  /** Of an object, or the prefix of a listing. */
  key: string;
  /** Whose request it was; no secret. */
  identity: string;
  /** Where it was asked for. */
  region: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** To wait when the server throttles and does not say how long. */
  throttleWaitMs: number;
}

const MAX_SERVER_TEXT = 300;

/** What a failed request for reading means: an outcome of the item, another attempt, or the end of the run. */
export function readFailure(thrown: unknown, asked: Asked): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const error = thrown as Thrown;
  const { operation, bucket, key } = asked;
  const listing = operation === 'ListObjectsV2';
  const what = formatS3({ bucket, key });
  const details = { cause: thrown };
  const item = (code: 'INPUT_NOT_FOUND' | 'INPUT_PERMISSION_DENIED' | 'INPUT_READ_FAILED', why: string) =>
    new RejectedItemError(code, `${what} ${why}`, details);
  const status = statusOf(error);

  if (isThrottling(error)) {
    const message = `${what}: the server asks for fewer requests (${status ?? ''} ${error.name})`;
    const waitMs = askedWaitMs(error) ?? asked.throttleWaitMs;
    return new ThrottledError('INPUT_READ_FAILED', message, waitMs, details);
  }
  // Every other object would fail in the same way; the rest waits for a resume.
  if (isExpired(error))
    return new FatalError(
      'SOURCE_ACCESS_DENIED',
      `${what}: the credentials (${asked.identity}) have expired, and asking for new ones gave none that are accepted; renew them (aws sso login, or new session credentials), then resume`,
      details,
    );
  if (isSkewed(error))
    return new RetryableError('INPUT_READ_FAILED', `${what}: ${skewOf(error, asked.now)}`, details);
  if (hasNoCredentials(error) || isBadCredentials(error))
    return new FatalError('SOURCE_ACCESS_DENIED', `${what}: ${credentialsReason(error, asked)}`, details);
  if (isUntrusted(error))
    return new FatalError(
      'SOURCE_ACCESS_DENIED',
      `the certificate of the S3 server is not trusted (${error.code}); trust its authority with --ca-file, or with NODE_EXTRA_CA_CERTS`,
      details,
    );
  if (error.name === 'NoSuchBucket')
    return new FatalError(
      'SOURCE_NOT_FOUND',
      `there is no bucket ${bucket} at the endpoint; correct the name, the endpoint or the profile`,
      details,
    );
  if (isInOtherRegion(error))
    return new FatalError(
      'SOURCE_ACCESS_DENIED',
      `the bucket ${bucket} is not in the region ${asked.region}, and the server does not say where it is; give its region`,
      details,
    );
  if (status === 403 && error.name === 'InvalidObjectState')
    return new RejectedItemError(
      'INPUT_ARCHIVED',
      `${what} lies in an archive storage class and cannot be read before it is restored (aws s3api restore-object)`,
      details,
    );
  if (status === 403) return denied(error, asked, listing, details);
  if (status === 404)
    return listing
      ? new FatalError(
          'SOURCE_NOT_FOUND',
          `${what} cannot be listed: the server answered 404 (${error.name})`,
          details,
        )
      : item('INPUT_NOT_FOUND', 'is not there; it was deleted after it was listed, or the key is wrong');
  if (status === 412 || status === 416) return changed(what, details);
  if (status !== undefined && status < 500 && status >= 400 && status !== 408)
    return listing
      ? new FatalError(
          'SOURCE_NOT_FOUND',
          `${what} cannot be listed: the server answered ${said(error)}`,
          details,
        )
      : item('INPUT_READ_FAILED', `cannot be read: the server answered ${said(error)}`);
  const why =
    status === undefined
      ? `the connection failed (${networkReason(error)})`
      : `the server answered ${said(error)}`;
  return new RetryableError('INPUT_READ_FAILED', `${what}: ${why}`, details);
}

/** An object that is no longer what was listed. */
export const changed = (
  what: string,
  details: { cause?: unknown; measured?: string | number; limit?: string | number } = {},
) =>
  new RejectedItemError(
    'INPUT_CHANGED_WHILE_READ',
    `${what} changed after it was listed; what is there now is not what was listed`,
    details,
  );

function denied(error: Thrown, asked: Asked, listing: boolean, details: { cause: unknown }): SluiceError {
  const { bucket, key, identity, operation } = asked;
  const permission = listing ? 's3:ListBucket on the bucket' : 's3:GetObject on the object';
  const causes = [
    `the identity lacks ${permission}`,
    'a policy of the bucket or organisation denies it',
    ...(listing
      ? ['the bucket belongs to another account']
      : [
          'the object is encrypted with a KMS key that needs kms:Decrypt',
          'the object was deleted and the identity lacks s3:ListBucket',
        ]),
    'the requester is to pay (--requester-pays)',
    'the credentials are of another account or profile (AWS_PROFILE)',
  ];
  const text = serverText(error);
  const message = `${operation} of ${formatS3({ bucket, key })} was denied for ${identity}${text === '' ? '' : ` (${text})`}; likely causes: ${causes.join('; ')}`;
  return listing
    ? new FatalError('SOURCE_ACCESS_DENIED', message, details)
    : new RejectedItemError('INPUT_PERMISSION_DENIED', message, details);
}

function credentialsReason(error: Thrown, { identity }: Asked): string {
  if (hasNoCredentials(error))
    return 'there are no credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or read a public bucket with --anonymous';
  return `the server does not accept the credentials of ${identity} (${error.name}); check AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN`;
}

function skewOf({ $response }: Thrown, now: number): string {
  const theirs = Date.parse($response?.headers?.['date'] ?? '');
  const by = Number.isNaN(theirs) ? '' : ` by ${Math.round(Math.abs(now - theirs) / 1000)} s`;
  const way = Number.isNaN(theirs) ? 'differs from' : now > theirs ? 'is ahead of' : 'is behind';
  return `the clock of this machine ${way} the server's${by}, so that it refuses signed requests; set the clock (NTP)`;
}

const said = (error: Thrown): string =>
  [statusOf(error), error.name, serverText(error)].filter(Boolean).join(' ');

/** What the server says, in one line; empty for answers without a body. */
function serverText({ message = '', name }: Thrown): string {
  if (message === name || message === 'UnknownError') return '';
  return message.replaceAll(/\s+/g, ' ').slice(0, MAX_SERVER_TEXT);
}

/** Without the message where there is a code: messages of the network have the endpoint in them. */
const networkReason = ({ code, name = 'Error', message = '' }: Thrown): string =>
  code ?? `${name}: ${message}`;
