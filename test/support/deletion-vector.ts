import { crc32 } from 'node:zlib';

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** `bytes` are a multiple of four. */
export function encodeZ85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let value = bytes.readUInt32BE(at);
    let group = '';
    for (let i = 0; i < 5; i++) {
      group = Z85[value % 85] + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}

/** A portable `RoaringBitmapArray` of rows, ascending; with run containers where those are asked for. */
export function roaringArray(rows: readonly number[], { runs }: { runs: boolean }): Buffer {
  const bitmaps = grouped(rows, 2 ** 32);
  const head = Buffer.alloc(12);
  head.writeInt32LE(1681511377, 0);
  head.writeBigInt64LE(BigInt(bitmaps.size), 4);
  return Buffer.concat([
    head,
    ...[...bitmaps].flatMap(([high, values]) => [uint32(high), bitmap(values, runs)]),
  ]);
}

/** What stands in a file of deletion vectors at an offset. */
export function storedVector(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(bytes));
  return Buffer.concat([size, bytes, checksum]);
}

function bitmap(values: number[], runs: boolean): Buffer {
  const containers = [...grouped(values, 65_536)];
  const keys = Buffer.concat(
    containers.map(([key, lows]) => Buffer.concat([uint16(key), uint16(lows.length - 1)])),
  );
  const bodies = containers.map(([, lows]) => (runs ? runContainer(lows) : plainContainer(lows)));
  const cookie = runs
    ? Buffer.concat([
        uint16(12347),
        uint16(containers.length - 1),
        Buffer.alloc(Math.ceil(containers.length / 8), 0xff),
      ])
    : Buffer.concat([uint32(12346), uint32(containers.length)]);
  const hasOffsets = !runs || containers.length >= 4;
  let at = cookie.length + keys.length + (hasOffsets ? containers.length * 4 : 0);
  const offsets = bodies.map((body) => {
    const offset = uint32(at);
    at += body.length;
    return offset;
  });
  return Buffer.concat([cookie, keys, ...(hasOffsets ? offsets : []), ...bodies]);
}

function plainContainer(lows: number[]): Buffer {
  if (lows.length <= 4096) return Buffer.concat(lows.map(uint16));
  const bits = Buffer.alloc(8192);
  for (const low of lows) bits[low >> 3]! |= 1 << (low & 7);
  return bits;
}

function runContainer(lows: number[]): Buffer {
  const runs: [first: number, more: number][] = [];
  for (const low of lows) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] + 1 === low) last[1]++;
    else runs.push([low, 0]);
  }
  return Buffer.concat([uint16(runs.length), ...runs.flat().map(uint16)]);
}

/** By their quotient, with their remainders. */
function grouped(values: readonly number[], size: number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const value of values) {
    const key = Math.floor(value / size);
    const group = groups.get(key) ?? [];
    group.push(value % size);
    groups.set(key, group);
  }
  return groups;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
