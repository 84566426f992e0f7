import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../src/embed/fingerprint.ts';
import { imageTower } from '../../src/embed/image/tower.ts';
import { openEmbedder } from '../../src/embed/index.ts';
import { ModelFolder } from '../../src/embed/models/folder.ts';
import type { EmbedItem, ModelRef } from '../../src/model/embedding.ts';
import { SluiceError } from '../../src/model/errors.ts';
import { testContext } from '../support/context.ts';
import { missingPython, runPython } from '../support/python-environment.ts';

const SCRIPT = fileURLToPath(new URL('make-vision-models.py', import.meta.url));
const MAKE = "import runpy\nresult = runpy.run_path(data['script'])['main'](data['out'], data['pictures'])";
const PICTURE = fileURLToPath(new URL('../fixtures/pillow/picture.png', import.meta.url));
const KINDS = ['clip', 'siglip', 'dinov2'] as const;
/** Of the right size for one of the models each, and one that becomes larger. */
const SIZES = [56, 48, 64, 30];

const missing = missingPython('models');

describe.skipIf(missing !== undefined)(`image models in the Hugging Face layout ${missing ?? ''}`, () => {
  let dir: string;
  let pictures: string[];
  let python: Record<string, Record<string, number[][]>>;
  const ctx = testContext();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-vision-'));
    const squares = SIZES.map(async (size, index) => {
      const path = join(dir, `${size}.png`);
      const left = 20 * index;
      await sharp(PICTURE).extract({ left, top: left, width: size, height: size }).png().toFile(path);
      return path;
    });
    pictures = [PICTURE, ...(await Promise.all(squares))];
    python = await runPython('models', MAKE, { script: SCRIPT, out: dir, pictures });
  }, 180_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const towerOf = (kind: string, ref: Partial<ModelRef> = {}) =>
    imageTower(new ModelFolder(kind, join(dir, kind)), { model: kind, ...ref });

  async function vectorsOf(
    kind: string,
    items: EmbedItem[],
    ref: Partial<ModelRef> = {},
  ): Promise<Float32Array[]> {
    const tower = (await towerOf(kind, ref))!;
    const options = { devices: ['cpu'], cores: 1, deviceBatch: 4, cacheDir: join(dir, 'cache') } as const;
    const embedder = await openEmbedder(tower, options, ctx);
    try {
      const vectors = await embedder.embed(items, 'document', ctx.signal);
      return vectors.map((vector) => {
        if (vector instanceof SluiceError) throw vector;
        expect(vector).toHaveLength(tower.dimensions);
        return vector;
      });
    } finally {
      await embedder.close();
    }
  }

  describe.each(KINDS)('%s', (kind) => {
    it.each(['fp32', 'fp16', 'q8'] as const)(
      'with %s weights gives the vectors that Python computes',
      async (dtype) => {
        const images = pictures.map((path) => ({ image: { path } }));
        const ours = await vectorsOf(kind, images, { dtype });
        const cosines = ours.map((vector, index) => cosine(vector, python[kind]![dtype]![index]!));
        const right = { clip: 56, siglip: 48, dinov2: 64 }[kind];
        // Halves are rounded by the kernels of a version of onnxruntime; bytes by what else is in the same call.
        const [resized, exact] = { fp32: [0.9999, 0.999999], fp16: [0.9999, 0.99998], q8: [0.99, 0.99] }[
          dtype
        ];
        for (const [index, value] of cosines.entries()) {
          const size = [undefined, ...SIZES][index];
          expect(value).toBeGreaterThan(size === right || size === 30 ? exact! : resized!);
        }
        expect(cosine(ours[0]!, [...ours[1]!])).toBeLessThan(0.9999);
      },
    );
  });

  it('gives the same vector for a file, its bytes and its pixels, and another one for a part of it', async () => {
    const bytes = await sharp(PICTURE).png().toBuffer();
    const { data, info } = await sharp(PICTURE).raw().toBuffer({ resolveWithObject: true });
    const box = { left: 0, top: 0, right: 0.4, bottom: 0.4 };
    const [file, encoded, raw, part] = await vectorsOf('clip', [
      { image: { path: PICTURE } },
      { image: bytes },
      { pixels: { data, width: info.width, height: info.height } },
      { image: bytes, box },
    ]);
    expect(cosine(file!, [...encoded!])).toBeGreaterThan(0.999999);
    expect(cosine(file!, [...raw!])).toBeGreaterThan(0.999999);
    expect(cosine(file!, [...part!])).toBeLessThan(0.999);
  });

  it('names one space for both sides of a CLIP, and another for other weights', async () => {
    const image = await fingerprintOf((await towerOf('clip'))!);
    const quantised = await fingerprintOf((await towerOf('clip', { dtype: 'q8' }))!);
    expect(quantised.fingerprint).not.toBe(image.fingerprint);
    expect((await towerOf('clip'))!.spaceFiles.map((file) => file.split('/').at(-1)).sort()).toEqual([
      'text_model.onnx',
      'vision_model.onnx',
    ]);
    expect((await fingerprintOf((await towerOf('siglip'))!)).space).not.toBe(image.space);
  });

  it('takes the mean of the tokens where it is told to', async () => {
    const [mean, first] = await Promise.all([
      vectorsOf('dinov2', [{ image: { path: PICTURE } }], { pooling: 'mean' }),
      vectorsOf('dinov2', [{ image: { path: PICTURE } }]),
    ]);
    expect(cosine(mean[0]!, [...first[0]!])).toBeLessThan(0.99);
  });

  it('refuses what it has no recipe for, by name', async () => {
    const folder = join(dir, 'other');
    await cp(join(dir, 'dinov2'), folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'swin' }));
    await expect(towerOf('other')).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/swin.*pooling=mean/),
    });
    await expect(towerOf('other', { dtype: 'int8' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const processor = { image_processor_type: 'Siglip2ImageProcessor', max_num_patches: 256 };
    await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(processor));
    await expect(towerOf('other')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    await rm(join(folder, 'preprocessor_config.json'));
    expect(await towerOf('other')).toBeUndefined();
  });
});

function cosine(a: Float32Array, b: readonly number[]): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
