import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelFolder } from '../../src/embed/models/folder.ts';
import { readTextFiles } from '../../src/embed/text/model-config.ts';
import { loadTokenizer } from '../../src/embed/text/tokenizer.ts';
import { textTower } from '../../src/embed/text/tower.ts';
import type { Dtype, Embedder } from '../../src/model/embedding.ts';
import { cosine, embedTexts, withEmbedder } from '../support/embedding.ts';
import { describePython } from '../support/python.ts';
import { runScript } from '../support/python-environment.ts';

/** Made by sentence-transformers; `vector` of length 1, `tokens` with special ones. */
interface Golden {
  items: { text: string; tokens: number; vector: number[] }[];
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const golden = JSON.parse(readFileSync(here('../fixtures/minilm/golden.json'), 'utf8')) as Golden;
const isEmpty = ({ text }: { text: string }) => text.trim() === '';
const items = golden.items.filter((item) => !isEmpty(item));
const texts = items.map(({ text }) => text);

describePython('models', 'all-MiniLM-L6-v2, next to sentence-transformers', () => {
  let path: string;
  beforeAll(async () => {
    path = mkdtempSync(join(tmpdir(), 'sluice-minilm-'));
    await runScript('models', here('make-minilm.py'), [path]);
  });
  afterAll(() => rmSync(path, { recursive: true, force: true }));

  async function opened<R>(dtype: Dtype, use: (embedder: Embedder) => Promise<R>): Promise<R> {
    const tower = await textTower(new ModelFolder('minilm', path), { model: path, dtype });
    return withEmbedder(tower!, { cacheDir: join(path, 'cache') }, use);
  }

  it('is described as its files say', async () => {
    const tower = await textTower(new ModelFolder('minilm', path), { model: path });
    expect(tower).toMatchObject({ modality: 'text', dtype: 'fp32', dimensions: 384, normalised: true });
    expect(tower!.preprocessing).toMatchObject({ pooling: 'mean', maxTokens: 256 });
  });

  it('makes as many tokens of each text, the longest cut', async () => {
    const folder = new ModelFolder('minilm', path);
    const tokenizer = await loadTokenizer(folder, await readTextFiles(folder), { maxTokens: 256 });
    const counts = golden.items.map(({ text }) => [text, tokenizer.ids(text).length]);
    expect(counts).toEqual(golden.items.map(({ text, tokens }) => [text, tokens]));
  });

  it('gives the same vectors, one by one and in one batch with padding', async () => {
    await opened('fp32', async (embedder) => {
      const batched = await embedTexts(embedder, texts);
      for (const [i, { text, vector }] of items.entries()) {
        const [single] = await embedTexts(embedder, [text]);
        expect(cosine(batched[i]!, vector)).toBeGreaterThan(0.99999);
        expect(cosine(single!, vector)).toBeGreaterThan(0.99999);
      }
    });
  });

  it.each<Dtype>(['fp32', 'int8'])(
    'gives the same vectors for 128 texts at once and for each alone (%s)',
    async (dtype) => {
      const many = Array.from(
        { length: 128 },
        (_, i) => texts.slice(i % 7, (i % 7) + (i % 5) + 1).join(' ') + i,
      );
      await opened(dtype, async (embedder) => {
        const batched = await embedTexts(embedder, many);
        for (let i = 0; i < many.length; i += 16) {
          const [single] = await embedTexts(embedder, [many[i]!]);
          expect(cosine(batched[i]!, single!)).toBeGreaterThan(0.99999);
        }
      });
    },
  );

  it('has no vector for an empty text', async () => {
    await opened('fp32', async (embedder) => {
      const empty = golden.items.filter(isEmpty);
      const results = await embedder.embed(empty, 'document', new AbortController().signal);
      expect(results).toHaveLength(2);
      for (const result of results) expect(result).toMatchObject({ code: 'EMBED_UNREADABLE' });
    });
  });

  it('stays near them with weights in 8 bits a channel', async () => {
    await opened('int8', async (embedder) => {
      expect(embedder.info.dtype).toBe('int8');
      const vectors = await embedTexts(embedder, texts);
      const cosines = vectors.map((vector, i) => cosine(vector, items[i]!.vector));
      expect(cosines.reduce((sum, value) => sum + value, 0) / cosines.length).toBeGreaterThan(0.98);
    });
  });

  it('names the weights that there are where others are asked for', async () => {
    const asking = textTower(new ModelFolder('minilm', path), { model: path, dtype: 'fp16' });
    await expect(asking).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: /it has those of fp32, int8$/,
    });
  });
});
