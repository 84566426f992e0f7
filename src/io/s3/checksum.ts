import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { GetObjectCommand, GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Crc64Nvme, crc32c } from './crc.ts';

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
  const { ChecksumType, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA256, ChecksumSHA1 } =
    answer;
  if (ChecksumType === 'COMPOSITE') return undefined;
  const whole = (text: string | undefined): text is string => text !== undefined && !text.includes('-');
  if (whole(ChecksumCRC32)) return new Crc('CRC-32', ChecksumCRC32, crc32);
  if (whole(ChecksumCRC32C)) return new Crc('CRC-32C', ChecksumCRC32C, crc32c);
  if (whole(ChecksumCRC64NVME)) return new Crc64(ChecksumCRC64NVME);
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

class Crc64 implements Checksum {
  readonly name = 'CRC-64/NVME';
  readonly expected: string;
  readonly #crc = new Crc64Nvme();

  constructor(expected: string) {
    this.expected = expected;
  }

  update(chunk: Uint8Array): void {
    this.#crc.update(chunk);
  }

  digest(): string {
    return this.#crc.digest().toString('base64');
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
