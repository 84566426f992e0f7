import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultAudioTower } from '../../../src/embed/defaults/audio.ts';
import { openEmbedder } from '../../../src/embed/index.ts';
import type { Embedder } from '../../../src/model/embedding.ts';
import { SluiceError } from '../../../src/model/errors.ts';
import { mediaFolder } from '../../media/fixtures.ts';
import { testContext } from '../../support/context.ts';
import { wav, wavOf } from '../../support/wav.ts';

const RATE = 16_000;
const GOLDEN = JSON.parse(readFileSync(new URL('./golden/speech.json', import.meta.url), 'utf8')) as Record<
  string,
  number[]
>;

const tone = (hertz: number, seconds: number): Buffer =>
  wavOf(
    Array.from({ length: RATE * seconds }, (_, i) =>
      Math.round(8000 * Math.sin((2 * Math.PI * hertz * i) / RATE)),
    ),
    RATE,
  );

/** As golden/make_speech.py makes it. */
function noise(seconds: number): Buffer {
  let state = 1n;
  const samples = Array.from({ length: RATE * seconds }, () => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return Number((state >> 15n) % 16001n) - 8000;
  });
  return wavOf(samples, RATE);
}

const SOUNDS: Record<string, () => Buffer> = {
  'tone 440 Hz, 3 s': () => tone(440, 3),
  'tone 445 Hz, 3 s': () => tone(445, 3),
  'tone 2000 Hz, 3 s': () => tone(2000, 3),
  'noise, 2 s': () => noise(2),
  'noise, 0.25 s': () => noise(0.25),
};

const ctx = testContext();
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

let cache: Awaited<ReturnType<typeof mediaFolder>>;
let embedder: Embedder;
beforeAll(async () => {
  cache = await mediaFolder();
  const options = { devices: ['cpu'] as const, cores: 1, deviceBatch: 4, cacheDir: cache.path };
  embedder = await openEmbedder(await defaultAudioTower(), options, ctx);
}, 180_000);
afterAll(async () => {
  await embedder.close();
  await cache.drop();
});

const embed = (sounds: Buffer[]) =>
  embedder.embed(
    sounds.map((audio) => ({ audio })),
    'document',
    ctx.signal,
  );

describe('the built-in model for sounds', () => {
  it('says what it is', () => {
    expect(embedder.info).toMatchObject({
      model: 'default',
      modality: 'audio',
      dimensions: 96,
      normalised: true,
      dtype: 'fp32',
    });
  });

  it('gives the vectors that onnxruntime gives in Python, alone and together', async () => {
    const names = Object.keys(GOLDEN);
    expect(names).toEqual(Object.keys(SOUNDS));
    const alone = [];
    for (const name of names) alone.push(...(await embed([SOUNDS[name]!()])));
    const together = await embed(names.map((name) => SOUNDS[name]!()));
    for (const [i, name] of names.entries()) {
      for (const vector of [alone[i], together[i]] as Float32Array[]) {
        const apart = Array.from(vector).map((value, at) => Math.abs(value - GOLDEN[name]![at]!));
        expect(Math.max(...apart), name).toBeLessThan(1e-4);
      }
    }
  });

  it('puts tones that sound alike nearer than tones that do not', async () => {
    const [a, b, c] = (await embed([tone(440, 3), tone(445, 3), tone(2000, 3)])) as Float32Array[];
    expect(cosine(a!, b!)).toBeGreaterThan(cosine(a!, c!) + 0.1);
  });

  it('takes a sound of another rate and format as the same', async () => {
    const [narrow, wide] = (await embed([
      wav(3000, { sampleRate: RATE }),
      wav(3000, { sampleRate: 48_000 }),
    ])) as Float32Array[];
    expect(cosine(narrow!, wide!)).toBeGreaterThan(0.99);
  });

  it('rejects one item among others', async () => {
    const [good, bad, silent] = await embed([tone(440, 1), Buffer.from('no sound'), wav(0)]);
    expect(good).toBeInstanceOf(Float32Array);
    expect((bad as SluiceError).code).toBe('EMBED_UNREADABLE');
    expect((silent as SluiceError).code).toBe('EMBED_UNREADABLE');
  });

  it('gives silence a vector', async () => {
    const [vector] = await embed([wavOf(new Array<number>(RATE).fill(0), RATE)]);
    expect(vector).not.toBeInstanceOf(SluiceError);
  });
});
