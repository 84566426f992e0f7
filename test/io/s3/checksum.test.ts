import { expect, it } from 'vitest';
import { checksumOf } from '../../../src/io/s3/checksum.ts';

const answer = (more: object) => ({ $metadata: {}, ...more });
const text = Buffer.from('123456789');

it.each([
  [{ ChecksumCRC32: 'y/Q5Jg==' }, 'CRC-32'],
  [{ ChecksumCRC32C: '4waSgw==' }, 'CRC-32C'],
  [{ ChecksumCRC64NVME: 'rosUhgp5mIg=' }, 'CRC-64/NVME'],
  [{ ChecksumSHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=', ChecksumType: 'FULL_OBJECT' }, 'SHA-1'],
  [{ ChecksumSHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=' }, 'SHA-256'],
])('checks with what the answer gives: %o', (given, name) => {
  const checksum = checksumOf(answer(given));
  checksum?.update(text);
  expect(checksum?.name).toBe(name);
  expect(checksum?.digest()).toBe(checksum?.expected);
});

it.each([
  {},
  { ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'COMPOSITE' },
  { ChecksumSHA256: 'FeKw09x9ydSvFwOf2EqD7aDKnpMlBhTMPxLeXotU7iU=-3' },
])('knows what says nothing of the whole object: %o', (given) => {
  expect(checksumOf(answer(given))).toBeUndefined();
});
