import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Framing, framedPixels } from '../../src/media/pixels.ts';
import { missingPython, runPython } from '../support/python-environment.ts';

const missing = missingPython('models');
const FRAMINGS = [
  ['cubic', 'edge'],
  ['cubic', 'square'],
  ['linear', 'square'],
  ['lanczos3', 'edge'],
] as const;
/** Widths of pictures that are 4 to 3, and of one that is turned. */
const WIDTHS = [120, 300, 640, 1900];
const EDGE = 224;
const SIGNAL = new AbortController().signal;

/** How far Pillow's pixels are from ours, which are in a file: on average, at most, and how many by over 8 levels. */
const COMPARE = `
import numpy as np
from PIL import Image
filters = {'cubic': Image.BICUBIC, 'linear': Image.BILINEAR, 'lanczos3': Image.LANCZOS}
def made(image, kernel, how):
    s = data['edge']
    w, h = image.size
    size = (s, s) if how == 'square' else (s, int(s * h / w)) if w <= h else (int(s * w / h), s)
    image = image.resize(size, filters[kernel])
    left, top = (image.width - s) // 2, (image.height - s) // 2
    return np.asarray(image.crop((left, top, left + s, top + s))).astype(int)
result = []
for case in data['cases']:
    expected = made(Image.open(case['file']).convert('RGB'), case['kernel'], case['how']).ravel()
    ours = np.fromfile(case['ours'], np.uint8).astype(int)
    difference = np.abs(ours - expected)
    over = float((difference > 8).mean())
    result.append({'mean': float(difference.mean()), 'most': int(difference.max()), 'over': over})
`;

const BITMAPS = `
import numpy as np
from PIL import Image
image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (13, 21, 3), dtype=np.uint8), 'RGB')
result = []
for mode in ['1', 'L', 'P', 'RGB', 'RGBA']:
    file = f"{data['dir']}/{mode}.bmp"
    image.convert(mode).save(file)
    result.append({'file': file, 'pixels': Image.open(file).convert('RGB').tobytes().hex()})
`;

interface Case {
  file: string;
  ours: string;
  kernel: Framing['kernel'];
  how: 'square' | 'edge';
  width: number;
}

describe.skipIf(missing !== undefined)(`pixels are those of Pillow ${missing ?? ''}`, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-pillow-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each(['png', 'jpg'] as const)('of %s files of all sizes', async (type) => {
    const cases: Case[] = [];
    for (const width of WIDTHS) {
      const file = join(dir, `${width}.${type}`);
      const turned = width === 640 ? 90 : 0;
      await (await photo(width)).rotate(turned).toFile(file);
      for (const [kernel, how] of FRAMINGS) {
        const square = { width: EDGE, height: EDGE };
        const size = how === 'square' ? { resize: square } : { resize: { edge: EDGE }, crop: square };
        const framing = { ...size, kernel, background: '#ffffff' };
        const { data } = await framedPixels({ path: file }, framing, { signal: SIGNAL });
        const ours = join(dir, `${width}-${kernel}-${how}.${type}.rgb`);
        await writeFile(ours, data);
        cases.push({ file, ours, kernel, how, width });
      }
    }
    const found = await runPython<{ mean: number; most: number; over: number }[]>('models', COMPARE, {
      edge: EDGE,
      cases,
    });
    for (const [index, { mean, most, over }] of found.entries()) {
      const { width, kernel, how } = cases[index]!;
      const what = `${kernel} ${how} of ${width} pixels: mean ${mean}, most ${most}, over 8 ${over}`;
      // What becomes four times smaller or more is halved before, a JPEG in its decoder.
      const halved = width > 4 * EDGE;
      expect(mean, what).toBeLessThanOrEqual(halved ? 0.8 : 0.3);
      expect(over, what).toBeLessThanOrEqual(halved ? 0.005 : 0);
      if (type === 'png' && width < EDGE) expect(most, what).toBe(0);
    }
  });

  it('of a BMP that Pillow wrote, whatever its depth', async () => {
    const written = await runPython<{ file: string; pixels: string }[]>('models', BITMAPS, { dir });
    expect(written).toHaveLength(5);
    for (const { file, pixels } of written) {
      const square = { resize: { width: 21, height: 13 }, kernel: 'cubic', background: '#ffffff' } as const;
      const { data } = await framedPixels({ path: file }, square, { signal: SIGNAL });
      expect(Buffer.from(data).toString('hex'), file).toBe(pixels);
    }
  });
});

/** Shapes, their borders as sharp as a lens draws them, and some grain. */
async function photo(width: number): Promise<Sharp> {
  const height = (width * 3) / 4;
  const shapes = Array.from({ length: 24 }, (_, n) => {
    const [x, y, r] = [(n * 37) % 100, (n * 53) % 100, 4 + (n % 7) * 3];
    return `<circle cx="${x}" cy="${y}" r="${r}" fill="hsl(${(n * 47) % 360} 80% ${30 + (n % 5) * 12}%)"/>`;
  });
  const svg = `<svg viewBox="0 0 100 75" width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">${shapes.join('')}</svg>`;
  const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const;
  const grain = sharp({ create: { width, height, channels: 3, background: '#808080', noise } });
  const input = await grain.png().toBuffer();
  const drawn = await sharp(Buffer.from(svg))
    .flatten({ background: '#a0b0c0' })
    .composite([{ input, blend: 'soft-light' }])
    .png()
    .toBuffer();
  return sharp(drawn).removeAlpha().blur(0.8);
}
