import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

const MASTERS = 100;

/** Writes `count` distinct JPEGs in folders of 1 000: of about 100 kB each, at 640 × 480. */
export async function makeImages(
  dir: string,
  count: number,
  size = { width: 640, height: 480 },
): Promise<void> {
  const masters: Buffer[] = [];
  for (let i = 0; i < Math.min(MASTERS, count); i++) masters.push(await photoLike(i, size));
  for (let i = 0; i < count; i++) {
    const folder = join(dir, String(Math.floor(i / 1000)).padStart(3, '0'));
    if (i % 1000 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${String(i).padStart(6, '0')}.jpg`), withComment(masters[i % MASTERS]!, i));
  }
}

/** Smooth shapes under noise: about 100 kB at 640 × 480, and as slow to decode as a photo of that size. */
async function photoLike(
  seed: number,
  { width, height }: { width: number; height: number },
): Promise<Buffer> {
  const noise = await sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 22 },
    },
  })
    .raw()
    .toBuffer();
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, at++) {
        const wave = 60 * Math.sin((x * (c + 1) + seed * 37) / 50) * Math.cos((y + seed * 11) / 40);
        noise[at] = Math.max(0, Math.min(255, noise[at]! + wave));
      }
    }
  }
  return sharp(noise, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 82 })
    .toBuffer();
}

/** The same picture with a comment segment, so that no two files have the same bytes. */
function withComment(jpeg: Buffer, n: number): Buffer {
  const text = Buffer.from(`picture ${n}`);
  const head = Buffer.from([0xff, 0xfe, 0, text.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, text, jpeg.subarray(2)]);
}

/** Every file below `dir`, in order. */
export function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
