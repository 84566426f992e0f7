import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultImageTower } from '../../../src/embed/defaults/image.ts';
import { packageFolder } from '../../../src/embed/defaults/package-files.ts';
import { openEmbedder } from '../../../src/embed/embedder.ts';
import { ModelFolder } from '../../../src/embed/models/folder.ts';
import { readSignature } from '../../../src/formats/onnx/read.ts';
import { ELEMENT } from '../../../src/formats/onnx/types.ts';
import type { Embedder, EmbedItem } from '../../../src/model/embedding.ts';
import { testContext } from '../../support/context.ts';
import { cosine } from '../../support/embedding.ts';
import { runOnnx } from '../../support/onnx.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const PHOTOS = fileURLToPath(new URL('../../../examples/photos/', import.meta.url));
const installed = packageFolder('@vladmandic/human', 'models');

interface Golden {
  kind: string;
  width: number;
  height: number;
  /** Before it is normalised. */
  vector: number[];
}
const golden = JSON.parse(
  await readFile(new URL('./golden/image.json', import.meta.url), 'utf8'),
) as Golden[];

/** As golden/make_tfjs.md makes them. */
function picture({ kind, width, height }: Pick<Golden, 'kind' | 'width' | 'height'>): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  let state = 12345;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        if (kind === 'waves') data[at++] = Math.floor(127.5 + 127.5 * Math.sin((x * (c + 1)) / 11 + y / 17));
        else if (kind === 'squares') data[at++] = (((x >> 4) + (y >> 4) + c) % 3) * 127;
        else data[at++] = state >>> 24;
      }
    }
  }
  return data;
}

let cacheDir: string;
let embedder: Embedder;
const open = async (folder?: ModelFolder, cache = cacheDir): Promise<Embedder> =>
  openEmbedder(
    await defaultImageTower(folder),
    { devices: ['cpu'], cores: 2, deviceBatch: 4, cacheDir: cache },
    testContext(),
  );
async function embed(items: EmbedItem[]): Promise<Float32Array[]> {
  const results = await embedder.embed(items, 'document', new AbortController().signal);
  return results.map((result) => {
    if (result instanceof Float32Array) return result;
    throw result;
  });
}
const graphPath = async (cache: string): Promise<string> => {
  const [only, ...others] = await readdir(join(cache, 'graphs'));
  expect(others).toEqual([]);
  return join(cache, 'graphs', only!, 'model.onnx');
};

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'sluice-'));
  embedder = await open();
});
afterAll(async () => {
  await embedder.close();
  await rm(cacheDir, { recursive: true, force: true });
});

describe('the built-in model for images', () => {
  it('says what it is', () => {
    expect(embedder.info).toMatchObject({
      model: 'default',
      modality: 'image',
      dimensions: 720,
      normalised: true,
    });
  });

  it('is a graph that takes pictures of any size', async () => {
    expect(readSignature(await readFile(await graphPath(cacheDir)))).toEqual({
      opset: 17,
      inputs: [{ name: 'pixels', type: ELEMENT.uint8, dims: ['N', 'H', 'W', 3] }],
      outputs: [{ name: 'embedding', type: ELEMENT.float, dims: ['N', 720] }],
    });
  });

  it.each(golden)('computes what TensorFlow.js computes: $kind, $width × $height', async (wanted) => {
    const { width, height, vector } = wanted;
    const pixels = new Tensor('uint8', picture(wanted), [1, height, width, 3]);
    const { embedding } = await runOnnx(await graphPath(cacheDir), { pixels });
    expect(embedding?.dims).toEqual([1, 720]);
    expect(Math.max(...vector.map((value, i) => Math.abs(value - embedding!.data[i]!)))).toBeLessThan(1e-4);
  });

  it('gives these vectors with length 1', async () => {
    for (const wanted of golden.filter(({ width, height }) => width === 256 && height === 256)) {
      const { width, height, vector } = wanted;
      const [given] = await embed([{ pixels: { data: picture(wanted), width, height } }]);
      const norm = Math.hypot(...vector);
      expect(Math.max(...vector.map((value, i) => Math.abs(value / norm - given![i]!)))).toBeLessThan(1e-4);
    }
  });

  it('gives a picture the same vector among 127 others as alone', async () => {
    const items = Array.from({ length: 128 }, (_, i): EmbedItem => {
      const [width, height] = [32 + (i % 7) * 9, 40];
      const kind = ['waves', 'squares', 'noise'][i % 3]!;
      return { pixels: { data: picture({ kind, width, height }), width, height } };
    });
    const together = await embed(items);
    for (const i of [0, 1, 2, 64, 127]) {
      const [alone] = await embed([items[i]!]);
      expect(cosine(alone!, together[i]!)).toBeGreaterThan(0.9999);
    }
  });

  it('finds the other quarters of a photo among those of all photos', async () => {
    const names = readdirSync(PHOTOS, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(png|jpg)$/.test(name),
    );
    expect(names.length).toBeGreaterThanOrEqual(10);
    const quarters = names.flatMap((name) =>
      [0, 0.5].flatMap((top) =>
        [0, 0.5].map((left) => ({ name, box: { top, left, bottom: top + 0.5, right: left + 0.5 } })),
      ),
    );
    const vectors = await embed(
      quarters.map(({ name, box }) => ({ image: { path: join(PHOTOS, name) }, box })),
    );
    const right = quarters.filter(({ name }, i) => {
      const others = quarters.map((quarter, j) => ({
        ...quarter,
        score: i === j ? -1 : cosine(vectors[i]!, vectors[j]!),
      }));
      return others.reduce((best, other) => (other.score > best.score ? other : best)).name === name;
    });
    // By chance it would be 3 of 47; it is 44 of 48.
    expect(right.length / quarters.length).toBeGreaterThan(0.8);
  });

  it('is converted once, to the same bytes everywhere', async () => {
    const sum = async (path: string) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    const other = await tempFolder();
    await (await open(undefined, other)).close();
    expect(await sum(await graphPath(other))).toBe(await sum(await graphPath(cacheDir)));
  });
});

describe('a package of the built-in model for images', () => {
  async function copied(): Promise<ModelFolder> {
    const path = await tempFolder();
    for (const file of ['centernet.json', 'centernet.bin'])
      await cp(installed.require(file), join(path, file));
    return new ModelFolder('default', path);
  }

  it('that lacks a file is told, with the file', async () => {
    const folder = await copied();
    await rm(join(folder.path, 'centernet.bin'));
    await expect(defaultImageTower(folder)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('centernet.bin'),
    });
  });

  it.each(['centernet.bin', 'centernet.json'])('whose %s is cut off is refused', async (file) => {
    const folder = await copied();
    await truncate(join(folder.path, file), 100_000);
    await expect(open(folder, await tempFolder())).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(file),
    });
  });

  it.each([
    [
      'without the layer that is taken',
      'expanded_conv_14/expand/BatchNorm/',
      'x/',
      /it has no tower_0\/MobilenetV3/,
    ],
    ['with an operator that is not known', '"op":"Relu6"', '"op":"Selu"', /is a Selu/],
    [
      'with other padding',
      '"padding":{"s":"U0FNRQ=="}',
      '"padding":{"s":"VkFMSUQ="}',
      /convolution of another kind/,
    ],
    ['with another mean', '"keep_dims":{"b":true}', '"keep_dims":{"b":false}', /is another mean/],
  ])('%s is refused', async (_, before, after, message) => {
    const folder = await copied();
    const json = join(folder.path, 'centernet.json');
    await writeFile(json, JSON.stringify(JSON.parse(await readFile(json, 'utf8'))).replaceAll(before, after));
    await expect(open(folder, await tempFolder())).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
