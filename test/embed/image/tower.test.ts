import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { imageTower } from '../../../src/embed/image/tower.ts';
import { ModelFolder } from '../../../src/embed/models/folder.ts';
import { ELEMENT, type ElementType, type OnnxNode } from '../../../src/formats/onnx/types.ts';
import { writeModel } from '../../../src/formats/onnx/write.ts';
import type { EmbedItem, ModelRef, RawPixels } from '../../../src/model/embedding.ts';
import { RejectedItemError } from '../../../src/model/errors.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const ctx = testContext();
const node = (op: string, from: string, to: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
  ...{ op, inputs: [from], outputs: [to] },
  attributes,
});
/** The mean of each channel, as the vector of an image. */
const MEANS = [
  node('GlobalAveragePool', 'pixel_values', 'pooled'),
  node('Flatten', 'pooled', 'image_embeds', { axis: { i: 1 } }),
];
/** Each pixel is a token. */
const TOKENS = [
  { ...node('Reshape', 'pixel_values', 'flat'), inputs: ['pixel_values', 'shape'] },
  node('Transpose', 'flat', 'last_hidden_state', { perm: { ints: [0, 2, 1] } }),
];

let dir: string;
beforeEach(async () => {
  dir = await tempFolder();
  await mkdir(join(dir, 'onnx'));
  await json('preprocessor_config.json', {
    ...{ image_processor_type: 'ViTImageProcessor', size: { height: 2, width: 4 } },
    ...{ image_mean: [0.1, 0.2, 0.3], image_std: [0.5, 0.25, 0.125] },
  });
});

const json = (file: string, value: unknown) => writeFile(join(dir, file), JSON.stringify(value));
const towerOf = (ref: Partial<ModelRef> = {}) =>
  imageTower(new ModelFolder('means', dir), { model: 'means', ...ref });

function model(
  file: string,
  {
    type = ELEMENT.float,
    nodes = MEANS,
    output = 'image_embeds',
    dims = ['n', 3] as (string | number)[],
    height = 'h' as string | number,
  }: {
    type?: ElementType;
    nodes?: OnnxNode[];
    output?: string;
    dims?: (string | number)[];
    height?: string | number;
  } = {},
): Promise<void> {
  const shape = { name: 'shape', type: ELEMENT.int64, dims: [3], data: BigInt64Array.of(0n, 3n, -1n) };
  const bytes = writeModel({
    ...{ opset: 17, name: 'means', nodes, tensors: [shape] },
    inputs: [{ name: 'pixel_values', type, dims: ['n', 3, height, 'w'] }],
    outputs: [{ name: output, type, dims }],
  });
  return writeFile(join(dir, 'onnx', file), bytes);
}

async function vectorsOf(items: EmbedItem[], ref: Partial<ModelRef> = {}) {
  const tower = (await towerOf(ref))!;
  const options = { devices: ['cpu'], cores: 1, deviceBatch: 2, cacheDir: join(dir, 'cache') } as const;
  const open = await tower.open(options, ctx);
  try {
    return await open.embed(items, 'document', ctx.signal);
  } finally {
    await open.close();
  }
}

/** 4 × 2 pixels, the first of one colour and the others of another. */
function pixels(first: number[], others: number[]): RawPixels {
  const data = new Uint8Array(4 * 2 * 3);
  for (let at = 0; at < data.length; at += 3) data.set(at === 0 ? first : others, at);
  return { data, width: 4, height: 2 };
}

describe('an image model', () => {
  it.each([
    ['fp32', 'vision_model.onnx', ELEMENT.float, 5],
    ['fp16', 'vision_model_fp16.onnx', ELEMENT.float16, 2],
  ] as const)('of %s takes bytes, each channel with its own scale', async (dtype, file, type, digits) => {
    await model(file, { type });
    const items = [pixels([255, 0, 51], [255, 0, 51]), pixels([8, 16, 24], [0, 0, 0])];
    const vectors = await vectorsOf(
      items.map((item) => ({ pixels: item })),
      { dtype },
    );
    const expected = (red: number, green: number, blue: number) => [
      (red / 255 - 0.1) / 0.5,
      (green / 255 - 0.2) / 0.25,
      (blue / 255 - 0.3) / 0.125,
    ];
    for (const [index, values] of [expected(255, 0, 51), expected(1, 2, 3)].entries()) {
      const vector = vectors[index] as Float32Array;
      for (const [channel, value] of values.entries()) expect(vector[channel]).toBeCloseTo(value, digits);
    }
  });

  it('is the first of its tokens, or their mean where that is asked for', async () => {
    await json('config.json', { model_type: 'vit' });
    await model('model.onnx', { nodes: TOKENS, output: 'last_hidden_state', dims: ['n', 't', 3] });
    const item = { pixels: pixels([255, 255, 255], [127, 127, 127]) };
    const [[first], [mean]] = [await vectorsOf([item]), await vectorsOf([item], { pooling: 'mean' })];
    expect((first as Float32Array)[0]).toBeCloseTo((1 - 0.1) / 0.5, 5);
    expect((mean as Float32Array)[0]).toBeCloseTo((143 / 255 - 0.1) / 0.5, 5);
  });

  it('rejects the image that cannot be decoded, and no other', async () => {
    await model('vision_model.onnx');
    const [broken, whole] = await vectorsOf([
      { image: Buffer.from('no image') },
      { pixels: pixels([1, 2, 3], [4, 5, 6]) },
    ]);
    expect(broken).toBeInstanceOf(RejectedItemError);
    expect(broken).toMatchObject({ code: 'EMBED_UNREADABLE' });
    expect(whole).toBeInstanceOf(Float32Array);
  });

  it('has its graph edited once', async () => {
    await model('vision_model.onnx');
    for (let times = 0; times < 2; times++) await vectorsOf([]);
    expect(await readdir(join(dir, 'cache', 'graphs'))).toHaveLength(1);
    await json('preprocessor_config.json', { image_processor_type: 'ViTImageProcessor', size: 2 });
    await vectorsOf([]);
    expect(await readdir(join(dir, 'cache', 'graphs'))).toHaveLength(2);
  });

  it('is told apart by its preprocessing', async () => {
    await model('vision_model.onnx');
    const before = (await towerOf())!;
    await json('preprocessor_config.json', { image_processor_type: 'ViTImageProcessor', size: 2 });
    expect((await towerOf())!.preprocessing).not.toEqual(before.preprocessing);
    expect(before).toMatchObject({ modality: 'image', dimensions: 3, normalised: true });
  });

  it('must take images of the size that they are made', async () => {
    await model('vision_model.onnx', { height: 224 });
    await expect(towerOf()).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('4 × 2'),
    });
  });

  it('is refused where its output is not known, and where the file is missing', async () => {
    await expect(towerOf()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await model('vision_model.onnx', {
      nodes: [MEANS[0]!, node('Flatten', 'pooled', 'logits', { axis: { i: 1 } })],
      output: 'logits',
    });
    await expect(towerOf()).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('logits'),
    });
  });

  it('is none where there is no preprocessing of images', async () => {
    await model('model.onnx');
    await json('preprocessor_config.json', {
      feature_extractor_type: 'ClapFeatureExtractor',
      sampling_rate: 48_000,
    });
    expect(await towerOf()).toBeUndefined();
  });
});
