import { rawUri, toRaw } from '../io/raw-path.ts';
import { formatS3 } from '../io/s3/address.ts';
import type { S3Object } from '../io/s3/options.ts';
import type { S3Reader } from '../io/s3/reader.ts';
import type { SourceItem } from '../model/contracts.ts';
import { FatalError, RejectedItemError, SluiceError } from '../model/errors.ts';

/** What a source address names; unlike the address of a folder, its end matters. */
export interface PrefixAddress {
  bucket: string;
  /** What the keys begin with; any text, empty for the whole bucket. */
  prefix: string;
}

/** A bucket that is read, and the keys of it that are the source. */
export interface BucketSource extends PrefixAddress {
  reader: S3Reader;
  /** Up to the last `/` of the prefix, itself included: what uris are relative to. */
  folder: string;
}

/** `s3://bucket/prefix`, each character of it as it stands. Throws FatalError CONFIG_INVALID. */
export function parsePrefix(address: string): PrefixAddress {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/is.exec(address) ?? [];
  if (bucket !== undefined) return { bucket, prefix };
  throw new FatalError(
    'CONFIG_INVALID',
    `expected s3://bucket/prefix, not ${address}: the name of a bucket has 3 to 63 letters, digits, "." and "-"`,
  );
}

export const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

export const nameOf = (key: string): string => key.replace(/\/+$/, '').replace(/^.*\//s, '');

/** The uri of a key relative to its source, as `rawUri`; a key may itself begin with `./`, which is then escaped, too. */
export function keyUri(path: string): string {
  const uri = rawUri(toRaw(path));
  if (path === '') return './';
  if (!path.startsWith('./')) return uri;
  const escaped = uri === path ? `./${path.replaceAll('%', '%25')}` : uri;
  return escaped.replace(/^\.\/\./, './%2E');
}

/** Changes when the content may have changed. A server that has no ETag for an object has its time at least. */
export const objectFingerprint = ({ etag, size, modifiedAt }: S3Object): string =>
  `${etag.replaceAll('"', '') || (modifiedAt?.getTime() ?? '')}-${size}`;

/** What an item reads when its bytes are this object's, as it was listed. */
export function bytesOf(
  { reader, bucket }: BucketSource,
  object: S3Object,
): Required<Pick<SourceItem, 'size' | 'fingerprint' | 'fileName' | 'open'>> {
  const { key, etag, size } = object;
  return {
    size,
    fingerprint: objectFingerprint(object),
    fileName: nameOf(key),
    open: (signal) => reader.open({ bucket, key, ...(etag === '' ? {} : { etag }), size }, signal),
  };
}

/** undefined when there is no such object. Throws FatalError SOURCE_ACCESS_DENIED or SOURCE_NOT_FOUND. */
export async function findObject(
  { reader, bucket }: BucketSource,
  key: string,
): Promise<S3Object | undefined> {
  try {
    return await reader.head({ bucket, key });
  } catch (error) {
    if (error instanceof RejectedItemError && error.code === 'INPUT_NOT_FOUND') return undefined;
    throw notOpened(error, `${formatS3({ bucket, key })} cannot be opened`);
  }
}

/** Whether there is a marker; one that may not be looked at is none, for a policy may allow the media alone. */
export async function hasMarker(source: BucketSource, key: string): Promise<boolean> {
  try {
    return (await findObject(source, key)) !== undefined;
  } catch (error) {
    if (error instanceof FatalError && error.cause instanceof RejectedItemError) return false;
    throw error;
  }
}

/** What keeps an object from being the source. */
export function notOpened(error: unknown, what: string): unknown {
  if (error instanceof FatalError || !(error instanceof SluiceError)) return error;
  const code = error.code === 'INPUT_PERMISSION_DENIED' ? 'SOURCE_ACCESS_DENIED' : 'SOURCE_NOT_FOUND';
  return new FatalError(code, `${what}: ${error.message}`, { cause: error });
}
