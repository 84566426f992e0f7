import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { audioTower } from '../../../src/embed/audio/tower.ts';
import { findTowers, fingerprintOf, openEmbedder } from '../../../src/embed/index.ts';
import { ModelFolder } from '../../../src/embed/models/folder.ts';
import { ELEMENT, type OnnxValue } from '../../../src/formats/onnx/types.ts';
import type { ModelRef } from '../../../src/model/embedding.ts';
import { type ClapParts, clapFolder, EMBEDS, FEATURES } from '../../support/clap-folder.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { wav } from '../../support/wav.ts';

const REF = { model: 'clap' };
const OPTIONS = { devices: ['cpu'] as const, cores: 1, deviceBatch: 2 };

async function opened(folder: ModelFolder, ref: ModelRef = REF) {
  const tower = await audioTower(folder, ref);
  const embedder = await openEmbedder(tower!, { ...OPTIONS, cacheDir: folder.path }, testContext());
  onTestFinished(() => embedder.close());
  return embedder;
}

describe('audioTower', () => {
  it('leaves folders alone that hold no CLAP', async () => {
    const folder = new ModelFolder('none', await tempFolder());
    expect(await audioTower(folder, REF)).toBeUndefined();
    await writeFile(
      join(folder.path, 'preprocessor_config.json'),
      '{"image_processor_type":"CLIPImageProcessor"}',
    );
    expect(await audioTower(folder, REF)).toBeUndefined();
  });

  it('is found in a folder that holds nothing else', async () => {
    const { path } = await clapFolder();
    const towers = await findTowers({ model: path }, { cacheDir: path }, testContext());
    expect(towers.map(({ modality, dimensions }) => ({ modality, dimensions }))).toEqual([
      { modality: 'audio', dimensions: 4 },
    ]);
  });

  it('embeds sounds of any length and rate, alone and together', async () => {
    const embedder = await opened(await clapFolder());
    const sounds = [wav(250), wav(1000), wav(5000), wav(700, { sampleRate: 44_100 })].map((audio) => ({
      audio,
    }));
    const { signal } = new AbortController();
    const together = (await embedder.embed(sounds, 'document', signal)) as Float32Array[];
    for (const [i, sound] of sounds.entries()) {
      const [alone] = (await embedder.embed([sound], 'query', signal)) as Float32Array[];
      expect(Math.hypot(...alone!)).toBeCloseTo(1, 5);
      for (const [at, value] of alone!.entries()) expect(together[i]![at]).toBeCloseTo(value, 5);
    }
  });

  it('rejects what is no sound, and embeds the others', async () => {
    const embedder = await opened(await clapFolder());
    const [good, bad] = await embedder.embed(
      [{ audio: wav(250) }, { audio: Buffer.from('text') }],
      'document',
      new AbortController().signal,
    );
    expect(good).toBeInstanceOf(Float32Array);
    expect(bad).toMatchObject({ code: 'EMBED_UNREADABLE' });
  });

  it('takes graphs of half precision', async () => {
    const half = (value: OnnxValue): OnnxValue => ({ ...value, type: ELEMENT.float16 });
    const parts = { inputs: [half(FEATURES)], outputs: [half(EMBEDS)] };
    const [vector] = await (await opened(await clapFolder(parts), { ...REF, dtype: 'fp16' })).embed(
      [{ audio: wav(500) }],
      'document',
      new AbortController().signal,
    );
    const [full] = await (await opened(await clapFolder())).embed(
      [{ audio: wav(500) }],
      'document',
      new AbortController().signal,
    );
    for (const [i, value] of (full as Float32Array).entries())
      expect((vector as Float32Array)[i]).toBeCloseTo(value, 2);
  });

  it('has another fingerprint with other preprocessing, and the same space', async () => {
    const folders = await Promise.all([clapFolder(), clapFolder({ preprocessor: { padding: 'repeat' } })]);
    const [a, b] = await Promise.all(
      folders.map(async (folder) => fingerprintOf((await audioTower(folder, REF))!)),
    );
    expect(a!.fingerprint).not.toBe(b!.fingerprint);
    expect(a!.space).toBe(b!.space);
  });

  it('keeps the graph that it made', async () => {
    const folder = await clapFolder();
    await opened(folder);
    const graphs = await readdir(join(folder.path, 'graphs'));
    await opened(folder);
    expect(await readdir(join(folder.path, 'graphs'))).toEqual(graphs);
  });

  it.each<[string, ClapParts, string, RegExp]>([
    ['fusion', { preprocessor: { truncation: 'fusion' } }, 'MODEL_UNSUPPORTED', /CLAP with fusion/],
    [
      'fusion by default',
      { preprocessor: { truncation: undefined } },
      'MODEL_UNSUPPORTED',
      /CLAP with fusion/,
    ],
    [
      'another truncation',
      { preprocessor: { truncation: 'mine' } },
      'MODEL_UNSUPPORTED',
      /truncation: "mine"/,
    ],
    ['a dynamic range', { preprocessor: { top_db: 80 } }, 'MODEL_UNSUPPORTED', /top_db: 80/],
    ['a field that is none', { preprocessor: { hop_length: 'ten' } }, 'MODEL_INVALID', /hop_length/],
    [
      'other bands than the graph',
      { preprocessor: { feature_size: 8 } },
      'MODEL_INVALID',
      /makes \[N, 1, 101, 8\]/,
    ],
    [
      'a graph that wants more',
      { inputs: [FEATURES, { name: 'is_longer', type: ELEMENT.bool, dims: ['N', 1] }] },
      'MODEL_UNSUPPORTED',
      /wants is_longer as well/,
    ],
    ['an old operator set', { opset: 10 }, 'MODEL_UNSUPPORTED', /operator set is 10/],
    [
      'an output that is no list of vectors',
      { outputs: [{ ...EMBEDS, dims: ['N', 'T', 4] }] },
      'MODEL_UNSUPPORTED',
      /not \[N, dimensions\]/,
    ],
  ])('refuses %s and says so', async (_, parts, code, message) => {
    await expect(audioTower(await clapFolder(parts), REF)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('names the graph that is missing', async () => {
    await expect(audioTower(await clapFolder(), { ...REF, dtype: 'int8' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('onnx/audio_model_int8.onnx'),
    });
  });
});
