import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, generationId, nodeFingerprint } from '../../src/embed/fingerprint.ts';
import type { Tower } from '../../src/embed/tower.ts';
import { tempFolder } from '../support/temp-folder.ts';

async function files(...contents: string[]): Promise<string[]> {
  const folder = await tempFolder();
  return Promise.all(
    contents.map(async (content, i) => {
      const path = join(folder, `${i}.onnx`);
      await writeFile(path, content);
      return path;
    }),
  );
}

const tower = (paths: readonly string[], more: Partial<Tower> = {}): Tower => ({
  modality: 'text',
  model: 'a model',
  dtype: 'fp32',
  dimensions: 4,
  normalised: true,
  files: paths,
  spaceFiles: paths,
  preprocessing: { pooling: 'mean', maxTokens: 128 },
  open: () => Promise.reject(new Error('not opened here')),
  ...more,
});

describe('a fingerprint', () => {
  it('is of the bytes of the weights, not of their names or order', async () => {
    const one = await fingerprintOf(tower(await files('a', 'b')));
    expect(await fingerprintOf(tower((await files('b', 'a')).reverse()))).toEqual(one);
    expect(await fingerprintOf(tower(await files('b', 'a')))).toEqual(one);
    expect((await fingerprintOf(tower(await files('a', 'c')))).fingerprint).not.toBe(one.fingerprint);
  });

  it('changes with preprocessing, normalisation, dtype and document prompt, and not with the query prompt', async () => {
    const paths = await files('a');
    const of = async (more: Partial<Tower>) => (await fingerprintOf(tower(paths, more))).fingerprint;
    const all = await Promise.all([
      of({}),
      of({ preprocessing: { pooling: 'mean', maxTokens: 64 } }),
      of({ normalised: false }),
      of({ dtype: 'int8' }),
      of({ prompts: { document: 'passage: ' } }),
      of({ modality: 'image' }),
    ]);
    expect(new Set(all).size).toBe(all.length);
    expect(await of({ prompts: { query: 'query: ' } })).toBe(all[0]);
  });
});

describe('a space', () => {
  it('is shared by the two sides of a model, whatever each of them prepares', async () => {
    const [text, image] = await files('text', 'image');
    const spaceFiles = [text!, image!];
    const one = await fingerprintOf(tower([text!], { spaceFiles }));
    const other = await fingerprintOf(
      tower([image!], { spaceFiles, modality: 'image', preprocessing: { size: 224, take: 'whole' } }),
    );
    expect(other.space).toBe(one.space);
    expect(other.fingerprint).not.toBe(one.fingerprint);
  });

  it('is another one for other pooling of the same weights, and the same for other lengths and prompts', async () => {
    const paths = await files('a');
    const of = async (more: Partial<Tower>) => (await fingerprintOf(tower(paths, more))).space;
    const usual = await of({});
    expect(await of({ preprocessing: { pooling: 'cls', maxTokens: 128 } })).not.toBe(usual);
    expect(await of({ preprocessing: { pooling: 'mean', maxTokens: 16 } })).toBe(usual);
    expect(await of({ prompts: { document: 'passage: ' } })).toBe(usual);
  });
});

describe('the fingerprint of a node', () => {
  const node = { name: 'n', model: 'm' };

  it('tells how frames and regions are taken, where they are', () => {
    const of = (kind: 'image' | 'video' | 'text', regions: boolean, sampleMs?: number) =>
      nodeFingerprint('f', { kind, regions, node: { ...node, ...(sampleMs ? { sampleMs } : {}) } });
    expect(of('text', true)).toBe('f');
    expect(of('image', false)).toBe('f');
    expect(of('image', true)).not.toBe('f');
    expect(of('video', false, 1000)).not.toBe(of('video', false, 500));
    expect(of('video', false, 1000)).not.toBe(of('image', true));
  });

  it('makes that of a generation, with the order of its models', () => {
    const model = (fingerprint: string) => ({
      kind: 'text' as const,
      node: { ...node, name: fingerprint },
      fingerprint,
      space: 's',
      dimensions: 4,
      normalised: true,
      dtype: 'fp32' as const,
    });
    const id = generationId([model('a'), model('b')], false);
    expect(generationId([model('a'), model('b')], false)).toBe(id);
    expect(generationId([model('b'), model('a')], false)).not.toBe(id);
    expect(generationId([model('a'), model('b')], true)).not.toBe(id);
  });
});
