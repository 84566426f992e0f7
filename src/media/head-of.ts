import { createReadStream } from 'node:fs';
import { asError, type SluiceError } from '../model/errors.ts';
import { SNIFF_BYTES } from './sniff.ts';

/** What of a file tells its format, however short the reads are; links are followed. Throws what `unreadable` makes. */
export async function headOf(
  path: string,
  unreadable: (why: string, cause: unknown) => SluiceError,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of createReadStream(path, { end: SNIFF_BYTES - 1 })) parts.push(part as Buffer);
  } catch (error) {
    throw unreadable(asError(error).message, error);
  }
  return Buffer.concat(parts);
}
