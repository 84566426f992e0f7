import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { GetObjectCommand, GetObjectCommandOutput } from '@aws-sdk/client-s3';

/** A checksum of all bytes of an object, to be held against what the server says of it. */
export interface Checksum {
  /** For messages. */
  readonly name: string;
  /** In base64. */
  readonly expected: string;
  update(chunk: Uint8Array): void;
  /** In base64. */
  digest(): string;
}

/** Has the server say what it knows. The SDK's own option would check each answer, and so only bodies that never break. */
export function askForChecksum(command: GetObjectCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-checksum-mode'] = 'ENABLED';
      return next(args);
    },
    { step: 'build' },
  );
}

/** The cheapest checksum that an answer gives for the whole object, if any; those of its parts say nothing of it. */
export function checksumOf(answer: GetObjectCommandOutput): Checksum | undefined {
  const { ChecksumType, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA256, ChecksumSHA1 } = answer;
  if (ChecksumType === 'COMPOSITE') return undefined;
  const whole = (text: string | undefined): text is string => text !== undefined && !text.includes('-');
  if (whole(ChecksumCRC32)) return new Crc('CRC-32', ChecksumCRC32, crc32);
  if (whole(ChecksumCRC32C)) return new Crc('CRC-32C', ChecksumCRC32C, crc32c);
  if (whole(ChecksumSHA1)) return new Hash('SHA-1', ChecksumSHA1, 'sha1');
  if (whole(ChecksumSHA256)) return new Hash('SHA-256', ChecksumSHA256, 'sha256');
  return undefined;
}

class Crc implements Checksum {
  readonly name: string;
  readonly expected: string;
  readonly #add: (chunk: Uint8Array, crc: number) => number;
  #crc = 0;

  constructor(name: string, expected: string, add: (chunk: Uint8Array, crc: number) => number) {
    this.name = name;
    this.expected = expected;
    this.#add = add;
  }

  update(chunk: Uint8Array): void {
    this.#crc = this.#add(chunk, this.#crc);
  }

  digest(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc);
    return bytes.toString('base64');
  }
}

class Hash implements Checksum {
  readonly name: string;
  readonly expected: string;
  readonly #hash;

  constructor(name: string, expected: string, algorithm: 'sha1' | 'sha256') {
    this.name = name;
    this.expected = expected;
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digest(): string {
    return this.#hash.digest('base64');
  }
}

/** Castagnoli's polynomial, reflected. */
const CASTAGNOLI = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  return crc;
});

/** CRC-32C of `chunk` behind bytes whose CRC is `crc`. */
export function crc32c(chunk: Uint8Array, crc = 0): number {
  let rest = ~crc;
  for (let at = 0; at < chunk.length; at++) rest = TABLE[(rest ^ chunk[at]!) & 0xff]! ^ (rest >>> 8);
  return ~rest >>> 0;
}
