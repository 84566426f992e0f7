/** Bit rates in kbit/s by layer and index: MPEG-1, then MPEG-2 and 2.5 (ISO 11172-3 and 13818-3). */
const KBITS_V1 = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
];
const KBITS_V2 = [
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const HERTZ_V1 = [44_100, 48_000, 32_000];

/** Length in bytes of an MPEG audio frame whose header `head` begins with; undefined when it is none. */
export function mpegAudioFrame(head: Buffer): number | undefined {
  const version = (head[1]! >> 3) & 3;
  const layer = 4 - ((head[1]! >> 1) & 3);
  const hertzIndex = (head[2]! >> 2) & 3;
  if (version === 1 || layer === 4 || hertzIndex === 3) return undefined;
  const v1 = version === 3;
  const kbits = (v1 ? KBITS_V1 : KBITS_V2)[layer - 1]?.[head[2]! >> 4];
  const hertz = HERTZ_V1[hertzIndex]! / (v1 ? 1 : version === 2 ? 2 : 4);
  if (kbits === undefined || kbits === 0) return undefined;
  const padding = (head[2]! >> 1) & 1;
  if (layer === 1) return (Math.floor((12_000 * kbits) / hertz) + padding) * 4;
  const slots = layer === 3 && !v1 ? 72_000 : 144_000;
  return Math.floor((slots * kbits) / hertz) + padding;
}
