import { parseS3Address } from '../../../io/s3/address.ts';
import { hasNoCredentials, isBadCredentials, statusOf, type Thrown } from '../../../io/s3/thrown.ts';
import { FatalError, SluiceError } from '../../../model/errors.ts';

/** What a failed request to the bucket of a store means, for a place in it. */
export async function bucketFailure(
  error: unknown,
  path: string,
  identity: () => Promise<string>,
): Promise<unknown> {
  if (!(error instanceof SluiceError)) return error;
  const cause = (error.cause ?? error) as Thrown;
  const details = { cause: error };
  switch (error.code) {
    case 'SOURCE_NOT_FOUND':
      if (cause.name !== 'NoSuchBucket') return new FatalError('STORE_UNREACHABLE', error.message, details);
      return new FatalError(
        'STORE_NOT_FOUND',
        `there is no bucket ${parseS3Address(path).bucket} at the endpoint; make it, or correct --store, AWS_ENDPOINT_URL_S3 or AWS_PROFILE`,
        details,
      );
    case 'SOURCE_ACCESS_DENIED':
    case 'INPUT_PERMISSION_DENIED': {
      const reason = await deniedReason(cause, identity);
      return reason === undefined
        ? new FatalError('STORE_UNREACHABLE', `${path}: ${error.message}`, details)
        : new FatalError('STORE_ACCESS_DENIED', `${path}: ${reason}`, details);
    }
    case 'INPUT_READ_FAILED':
    case 'SOURCE_INCOMPLETE':
    case 'DELIVERY_FAILED':
      return new FatalError('STORE_UNREACHABLE', error.message, details);
    default:
      return error;
  }
}

/** Undefined where it is not the credentials: the region, or a certificate. */
async function deniedReason(error: Thrown, identity: () => Promise<string>): Promise<string | undefined> {
  if (hasNoCredentials(error))
    return 'there are no credentials for S3; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  const who = await identity().catch(() => 'unknown credentials');
  if (isBadCredentials(error))
    return `the server does not accept the credentials of ${who} (${error.name}); check AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN`;
  if (statusOf(error) !== 403) return undefined;
  return `access was denied for ${who}; a store needs s3:ListBucket on its bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject on its objects`;
}
