import { isUtf8 } from 'node:buffer';

/** Whether `bytes` is valid UTF-8 so far: a sequence that the end cuts off is forgiven. */
export function isUtf8Prefix(bytes: Buffer): boolean {
  return isUtf8(bytes.subarray(0, wholeLength(bytes)));
}

/** Length of `bytes` without a multi-byte sequence that the end cuts off. */
export function wholeLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0x80 && byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return needed > back && byte <= 0xf4 ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
