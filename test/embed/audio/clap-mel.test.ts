import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { padInto } from '../../../src/embed/audio/clap-preparation.ts';
import { framesOf, type MelRecipe, melFilters, mirrorEnds } from '../../../src/embed/audio/mel.ts';
import { melNodes } from '../../../src/embed/audio/mel-graph.ts';
import { openEngine } from '../../../src/embed/onnx/engine.ts';
import { ELEMENT } from '../../../src/formats/onnx/types.ts';
import { writeModel } from '../../../src/formats/onnx/write.ts';
import { clapSound } from '../../support/clap-sound.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const RECIPE: MelRecipe = { rate: 48_000, window: 1024, hop: 480, bands: 64, lowest: 50, highest: 14_000 };
const SAMPLES = 480_000;
const GOLDEN = JSON.parse(readFileSync(new URL('./golden/clap-mel.json', import.meta.url), 'utf8')) as Record<
  string,
  number[][]
>;

/** A graph of nothing but the spectrum. */
async function spectra(sounds: Float32Array[]): Promise<Float32Array> {
  const folder = await tempFolder();
  const path = join(folder, 'mel.onnx');
  const length = SAMPLES + RECIPE.window;
  const names = { input: 'samples', output: 'features' };
  const model = writeModel({
    opset: 17,
    name: 'mel',
    ...melNodes(RECIPE, { ...names, samples: SAMPLES, half: false }),
    inputs: [{ name: names.input, type: ELEMENT.float, dims: ['N', length] }],
    outputs: [{ name: names.output, type: ELEMENT.float, dims: ['N', 1, 1001, 64] }],
  });
  await writeFile(path, model);
  const ctx = testContext();
  const engine = await openEngine(path, { devices: ['cpu'], cores: 1, cacheDir: folder }, ctx);
  onTestFinished(() => engine.close());
  const data = new Float32Array(sounds.length * length);
  for (const [i, sound] of sounds.entries()) {
    const part = data.subarray(i * length, (i + 1) * length);
    part.set(sound, RECIPE.window / 2);
    mirrorEnds(part, RECIPE);
  }
  const { features } = await engine.run(
    { samples: { type: 'float32', dims: [sounds.length, length], data } },
    ctx.signal,
  );
  expect(features!.dims).toEqual([sounds.length, 1, 1001, 64]);
  return features!.data as Float32Array;
}

describe('the spectrum inside the graph', () => {
  it('is that of transformers’ audio_utils to 0.002 decibels', async () => {
    const seconds = Object.keys(GOLDEN);
    const sounds = seconds.map((length) => {
      const whole = new Float32Array(SAMPLES);
      padInto(whole, clapSound(Number(length)), 'repeatpad');
      return whole;
    });
    const values = await spectra(sounds);
    for (const [i, length] of seconds.entries()) {
      const apart = GOLDEN[length]!.flatMap((frame, n) =>
        frame.map((value, band) => Math.abs(value - values[(i * 1001 + n * 50) * 64 + band]!)),
      );
      expect(apart).toHaveLength(21 * 64);
      expect(Math.max(...apart), `${length} s`).toBeLessThan(0.002);
    }
  });

  it('is the floor of −100 dB for silence', async () => {
    const values = await spectra([new Float32Array(SAMPLES)]);
    expect(Math.min(...values.subarray(0, 640))).toBeCloseTo(-100, 3);
    expect(Math.max(...values.subarray(0, 640))).toBeCloseTo(-100, 3);
  });
});

describe('its parts', () => {
  it('mirror half a window at both ends, without the end itself', () => {
    const samples = Float32Array.of(0, 0, 1, 2, 3, 4, 0, 0);
    mirrorEnds(samples, { ...RECIPE, window: 4 });
    expect([...samples]).toEqual([3, 2, 1, 2, 3, 4, 3, 2]);
  });

  it('have a frame around the first sample and one for each hop', () => {
    expect(framesOf(SAMPLES, RECIPE)).toBe(1001);
  });

  it('have triangles of equal area between the lowest and the highest frequency', () => {
    const filters = melFilters(RECIPE);
    const bins = 513;
    for (let band = 20; band < 64; band++) {
      const area = filters.subarray(band * bins, (band + 1) * bins).reduce((sum, value) => sum + value, 0);
      expect(area * (48_000 / 1024)).toBeCloseTo(1, 1);
    }
    // 50 Hz and 14 kHz lie in bins 1.07 and 298.7.
    expect(filters[0]).toBe(0);
    expect(filters[63 * bins + 299]).toBe(0);
    expect(filters[63 * bins + 298]).toBeGreaterThan(0);
  });

  it.each([
    ['repeatpad', [1, 2, 3, 1, 2, 3, 0, 0]],
    ['repeat', [1, 2, 3, 1, 2, 3, 1, 2]],
    ['pad', [1, 2, 3, 0, 0, 0, 0, 0]],
  ] as const)('fill up a short sound by %s', (padding, expected) => {
    const whole = new Float32Array(8);
    padInto(whole, Float32Array.of(1, 2, 3), padding);
    expect([...whole]).toEqual(expected);
  });
});
