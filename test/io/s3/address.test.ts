import { expect, it } from 'vitest';
import { resolvePlace } from '../../../src/io/place.ts';
import { formatS3, parseS3Address } from '../../../src/io/s3/address.ts';
import { s3Failure } from '../../../src/io/s3/errors.ts';

it.each([
  ['s3://bucket', { bucket: 'bucket', key: '' }],
  ['s3://bucket/', { bucket: 'bucket', key: '' }],
  ['s3://my.bucket/a/b/', { bucket: 'my.bucket', key: 'a/b' }],
  ['s3://bucket/a/pets.zip', { bucket: 'bucket', key: 'a/pets.zip' }],
])('takes %s apart', (address, parts) => {
  expect(parseS3Address(address)).toEqual(parts);
  expect(formatS3(parts)).toBe(address.replace(/\/$/, ''));
});

it.each(['s3://', 's3:///a', 's3://b', 's3://bucket/a//b', 's3://bucket/../b', 's3://bucket//a'])(
  'refuses %s',
  (address) => {
    expect(() => parseS3Address(address)).toThrow(`expected s3://bucket/prefix, not ${address}`);
  },
);

it.each(['s3:/bucket/a', 's3:bucket', 'S3:'])('takes %s for an address and not for a folder', (place) => {
  expect(() => resolvePlace(place)).toThrow(`expected s3://bucket/prefix, not ${place}`);
});

it('names bucket, key, operation and remedy of a refusal', () => {
  const refused = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } };
  const { code, message } = s3Failure(refused, 'PutObject', { bucket: 'sets', key: 'a/b.jpg' });
  expect(code).toBe('EXPORT_UPLOAD_FAILED');
  expect(message).toMatch(/^PutObject of s3:\/\/sets\/a\/b\.jpg failed: access denied; .*s3:PutObject/);
});
