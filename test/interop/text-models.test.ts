import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelFolder } from '../../src/embed/models/folder.ts';
import { textTower } from '../../src/embed/text/tower.ts';
import type { Dtype } from '../../src/model/embedding.ts';
import { cosine, embedTexts, withEmbedder } from '../support/embedding.ts';
import { describePython } from '../support/python.ts';
import { runScript } from '../support/python-environment.ts';

/** Of one model; `vector` of length 1. */
type Expected = { text: string; vector: number[] }[];

const SCRIPT = fileURLToPath(new URL('make-text-models.py', import.meta.url));

describePython('models', 'small text models, next to onnxruntime in Python', () => {
  let path: string;
  let expected: Record<string, Expected>;
  beforeAll(async () => {
    path = mkdtempSync(join(tmpdir(), 'sluice-texts-'));
    await runScript('models', SCRIPT, [path]);
    expected = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8')) as Record<string, Expected>;
  });
  afterAll(() => rmSync(path, { recursive: true, force: true }));

  async function vectors(name: string, dtype: Dtype = 'fp32'): Promise<Float32Array[]> {
    const tower = await textTower(new ModelFolder(name, join(path, name)), { model: name, dtype });
    const texts = expected[name]!.map(({ text }) => text);
    const options = { cacheDir: join(path, 'cache'), cores: 1 };
    return withEmbedder(tower!, options, (embedder) => embedTexts(embedder, texts));
  }

  it.each(['clip', 'siglip', 'clap', 'mean', 'cls', 'last'])(
    'gives the same vectors for %s',
    async (name) => {
      for (const [i, vector] of (await vectors(name)).entries()) {
        const wanted = expected[name]![i]!;
        expect([wanted.text, cosine(vector, wanted.vector)]).toEqual([wanted.text, expect.closeTo(1, 5)]);
      }
    },
  );

  it('takes vectors of tokens in half precision', async () => {
    for (const [i, vector] of (await vectors('mean', 'fp16')).entries())
      expect(cosine(vector, expected['mean']![i]!.vector)).toBeGreaterThan(0.9999);
  });
});
