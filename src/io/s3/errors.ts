import { FatalError, SluiceError } from '../../model/errors.ts';
import { formatS3, type S3Address } from './address.ts';
import {
  hasNoCredentials,
  isBadCredentials,
  isExpired,
  isInOtherRegion,
  statusOf,
  type Thrown,
} from './thrown.ts';

/**
 * FatalError EXPORT_UPLOAD_FAILED for what went wrong with an object or, with an empty key, its bucket. Of errors that
 * the server did not answer with, only the name is told: messages of the network have the endpoint in them.
 */
export function s3Failure(thrown: unknown, operation: string, address: S3Address): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const message = `${operation} of ${formatS3(address)} failed: ${reasonOf(thrown as Thrown, operation, address.bucket)}`;
  return new FatalError('EXPORT_UPLOAD_FAILED', message, { cause: thrown });
}

function reasonOf(error: Thrown, operation: string, bucket: string): string {
  const { name = 'Error', code, message } = error;
  const status = statusOf(error);
  if (name === 'NoSuchBucket') return `there is no bucket ${bucket}; make it, or correct --out`;
  if (isBadCredentials(error) || isExpired(error))
    return `the server does not accept the credentials (${name}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE`;
  if (status === 403)
    return `access denied; the credentials need the permission for ${operation} there (s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject)`;
  if (hasNoCredentials(error))
    return 'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE';
  if (message === 'Region is missing') return 'the region is not known; set AWS_REGION';
  if (isInOtherRegion(error)) return `the bucket ${bucket} is in another region; set AWS_REGION to it`;
  if (status !== undefined) return `the server answered ${status} (${name}); the same command again goes on`;
  return `the server cannot be reached or the file cannot be read (${code ?? name}); check the network and AWS_ENDPOINT_URL_S3; the same command again goes on`;
}
