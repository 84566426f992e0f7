import type { ByteSource } from './byte-source.ts';
import { formatInfo } from './formats.ts';
import { invalidBytes, truncated } from './invalid.ts';

/** More top-level parts than this are no video; a hostile file can hold millions of empty ones. */
const MAX_PARTS = 200_000;
/** AVI writers are known to count the RIFF header itself. */
const RIFF_SLACK = 8;

/** A top-level part of a container; `size` counts its header and is undefined where the writer left it open. */
interface Part {
  name: string;
  size: number | undefined;
}

/**
 * Checks that a container holds as many bytes as its top-level parts claim: ffprobe reads the header alone, so a
 * file cut in half passes it. Formats without such claims (MP3, Ogg, MPEG …) pass.
 *
 * `finished` is false when the writer left a size open: it could not seek back, so nothing else that its header
 * counts can be trusted either. Throws RejectedItemError ALL_INPUT_INVALID_BYTES.
 */
export async function checkContainerEnd(format: string, source: ByteSource): Promise<{ finished: boolean }> {
  const readPart = partReader(format);
  if (readPart === undefined) return { finished: true };
  let at = 0;
  for (let parts = 0; at < source.size; parts++) {
    if (parts === MAX_PARTS) throw invalidBytes(`${format.toUpperCase()} has more than ${MAX_PARTS} parts`);
    const part = readPart(await source.read(at, 24));
    if (part === undefined) break;
    if (part.size === undefined) return { finished: false };
    const end = at + part.size;
    if (end > source.size + (format === 'avi' ? RIFF_SLACK : 0)) {
      throw truncated(`${format.toUpperCase()} (part ${part.name})`, source.size, end);
    }
    at = end;
  }
  return { finished: true };
}

/** How the next part is read from the bytes it begins with; an unreadable part ends the walk. */
function partReader(format: string): ((head: Buffer) => Part | undefined) | undefined {
  if (format === 'heic' || format === 'avif') return isoBox;
  switch (formatInfo(format)?.demuxer) {
    case 'mov':
      return isoBox;
    case 'avi':
      return riffChunk;
    case 'asf':
      return asfObject;
    case 'matroska':
      return matroskaElement;
    default:
      return undefined;
  }
}

/** ISO 14496-12: 32-bit size and type, a 64-bit size where the first is 1, 0 for "to the end of the file". */
function isoBox(head: Buffer): Part | undefined {
  if (head.length < 8) return undefined;
  const name = head.toString('latin1', 4, 8);
  const short = head.readUInt32BE(0);
  if (!/^[\x20-\x7e\xa9]{4}$/.test(name)) return undefined;
  if (short === 0) return { name, size: undefined };
  if (short !== 1) return short < 8 ? undefined : { name, size: short };
  if (head.length < 16) return undefined;
  const size = Number(head.readBigUInt64BE(8));
  return size < 16 ? undefined : { name, size };
}

/** RIFF, and the further RIFF lists of OpenDML; sizes 0 and 0xFFFFFFFF are of writers that could not seek. */
function riffChunk(head: Buffer): Part | undefined {
  if (head.length < 8 || head.toString('latin1', 0, 4) !== 'RIFF') return undefined;
  const body = head.readUInt32LE(4);
  const open = body === 0 || body === 0xffffffff;
  return { name: 'RIFF', size: open ? undefined : 8 + body + (body & 1) };
}

const ASF_PARTS: Record<string, string> = {
  '3026b275': 'header',
  '3626b275': 'data',
  '90080033': 'index',
  d329e2d6: 'index',
  f803b1ad: 'index',
  d03fb435: 'index',
};

/** ASF: a 16-byte identifier, then a 64-bit size, 0 where a live writer did not know it. */
function asfObject(head: Buffer): Part | undefined {
  const name = ASF_PARTS[head.toString('hex', 0, 4)];
  if (head.length < 24 || name === undefined) return undefined;
  const size = Number(head.readBigUInt64LE(16));
  return { name, size: size < 24 ? undefined : size };
}

const MATROSKA_PARTS: Record<number, string> = { 440786851: 'EBML', 408125543: 'Segment', 236: 'Void' };

/** EBML: an identifier, then a size of 1–8 bytes; all ones where a live writer did not know it. */
function matroskaElement(head: Buffer): Part | undefined {
  const idBytes = head[0] === 0xec ? 1 : 4;
  if (head.length < idBytes + 1) return undefined;
  const name = MATROSKA_PARTS[head.readUIntBE(0, idBytes)];
  const sizeBytes = Math.clz32(head[idBytes]!) - 23;
  if (name === undefined || sizeBytes > 8 || head.length < idBytes + sizeBytes) return undefined;
  const marked = BigInt(`0x${head.toString('hex', idBytes, idBytes + sizeBytes)}`);
  const unknown = (1n << BigInt(7 * sizeBytes)) - 1n;
  const body = marked & unknown;
  return { name, size: body === unknown ? undefined : idBytes + sizeBytes + Number(body) };
}
