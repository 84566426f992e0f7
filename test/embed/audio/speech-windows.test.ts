import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { speechWindows, WINDOW_VALUES } from '../../../src/embed/audio/speech-windows.ts';

/** Instead of a spectrum: of each frame of 512 samples, every 160, its first sample 32 times. */
const firsts = async (samples: Float32Array): Promise<Float32Array> => {
  const frames = Math.floor((samples.length - 512) / 160) + 1;
  return Float32Array.from({ length: frames * 32 }, (_, i) => samples[Math.floor(i / 32) * 160]!);
};

/** A sound whose samples are their places, in pieces. */
async function* counted(length: number, piece: number): AsyncGenerator<Float32Array> {
  for (let from = 0; from < length; from += piece)
    yield Float32Array.from({ length: Math.min(piece, length - from) }, (_, i) => (from + i) / 32_768);
}

/** At which sample of the sound each window begins. */
const startsOf = (windows: Float32Array[]): number[] =>
  windows.map((window) => Math.round((window[0]! - 2) * 10));

const windowsOf = (length: number, piece = 100_000) => speechWindows(counted(length, piece), firsts);

describe('speechWindows', () => {
  it('begin every 80 ms and hold 76 frames of the sound', async () => {
    const windows = await windowsOf(16_000);
    expect(startsOf(windows)).toEqual([0, 1280, 2560]);
    for (const window of windows) expect(window).toHaveLength(WINDOW_VALUES);
    expect((windows[1]![75 * 32]! - 2) * 10).toBeCloseTo(1280 + 75 * 160, 0);
  });

  it('are as many as the model’s authors have for ten seconds', async () => {
    expect(await windowsOf(160_000)).toHaveLength(116);
  });

  it('are none without samples, and one of a sound that is repeated until it is long enough', async () => {
    expect(await windowsOf(0)).toEqual([]);
    const [window, ...more] = await windowsOf(1000);
    expect(more).toEqual([]);
    expect((window![32 * 7]! - 2) * 10).toBeCloseTo((7 * 160) % 1000, 0);
    expect(await windowsOf(12_511)).toHaveLength(1);
    expect(await windowsOf(12_512)).toHaveLength(1);
    expect(await windowsOf(12_512 + 1280)).toHaveLength(2);
  });

  it.each([
    [2_000_000, 8],
    [971_232, 4],
    [971_233, 4],
    [12_000_000, 64],
  ])('of %d samples are every %d-th one over the whole sound', async (length, every) => {
    const starts = startsOf(await windowsOf(length));
    const all = Math.floor((Math.floor((length - 512) / 160) + 1 - 76) / 8) + 1;
    expect(starts).toEqual(
      Array.from({ length: Math.ceil(all / every) }, (_, i) => Math.fround(i * every * 1280)).map((start) =>
        expect.closeTo(start, -1),
      ),
    );
    expect(starts.length).toBeLessThanOrEqual(256);
  });

  it('do not keep the frames between them', async () => {
    const windows = await windowsOf(12_000_000);
    for (const window of windows) expect(window.buffer.byteLength).toBe(WINDOW_VALUES * 4);
  });

  it('are the same in whatever pieces the sound comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 70_000 }),
        async (length, piece) => {
          expect(await windowsOf(length, piece)).toEqual(await windowsOf(length));
        },
      ),
      { numRuns: 30 },
    );
  });
});
