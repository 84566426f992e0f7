import { FatalError } from '../../model/errors.ts';

export interface S3Address {
  bucket: string;
  /** Without `/` at either end; empty for the whole bucket. */
  key: string;
}

/** Also of one that lacks a slash, which is then refused: it would name a folder `s3:` that nobody means. */
export const isS3 = (address: string): boolean => /^s3:/i.test(address);

/** Throws FatalError CONFIG_INVALID for what is not `s3://bucket/key`. */
export function parseS3Address(address: string): S3Address {
  const [, bucket, rest = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/is.exec(address) ?? [];
  const key = rest.replace(/\/+$/, '');
  if (
    bucket !== undefined &&
    !key.split('/').some((part, i) => part === '..' || (part === '' && (i > 0 || key !== '')))
  )
    return { bucket, key };
  throw new FatalError('CONFIG_INVALID', `expected s3://bucket/prefix, not ${address}`);
}

export const formatS3 = ({ bucket, key }: S3Address): string =>
  key === '' ? `s3://${bucket}` : `s3://${bucket}/${key}`;
