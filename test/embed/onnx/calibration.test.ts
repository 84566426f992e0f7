import { describe, expect, it } from 'vitest';
import { measureBatch } from '../../../src/embed/onnx/calibration.ts';
import { Sessions } from '../../../src/embed/onnx/sessions.ts';
import type { Device } from '../../../src/model/embedding.ts';
import { testContext } from '../../support/context.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { idPreparation } from '../../support/graphs.ts';
import { fakeSessions } from '../../support/sessions.ts';

/** What is measured where a call takes so many milliseconds, and which sizes were tried. */
async function measured(
  device: Device,
  millisecondsOf: (items: number) => number,
): Promise<{ batch: number; sizes: number[] }> {
  const clock = new FakeClock();
  const sizes: number[] = [];
  const { open } = fakeSessions(async (ids) => {
    if (ids.length !== sizes.at(-1)) sizes.push(ids.length);
    await clock.advance(millisecondsOf(ids.length));
    return ids;
  });
  const sessions = await Sessions.open('x', device, { sessions: 1, threads: 1 }, open);
  const sample = (items: number) => idPreparation().collate(Array<number>(items).fill(1));
  const batch = await measureBatch(sessions, sample, 'y', testContext({ clock }));
  return { batch, sizes };
}

describe('measuring how many items a call should have', () => {
  it('takes the largest that is allowed where more is always faster', async () => {
    expect((await measured('cpu', () => 7)).batch).toBe(32);
    expect((await measured('webgpu', () => 7)).batch).toBe(128);
  });

  it('stops where throughput stops growing', async () => {
    const { batch, sizes } = await measured('cuda', (items) => 10 * Math.max(1, items / 8));
    expect(batch).toBe(8);
    expect(sizes).toEqual([1, 2, 4, 8, 16, 32]);
  });

  it('takes one item where more gain nothing', async () => {
    expect((await measured('cpu', (items) => 50 * items)).batch).toBe(1);
  });

  it('does not try on for long with a slow model', async () => {
    const { sizes } = await measured('cpu', (items) => 3000 + items);
    expect(sizes).toEqual([1, 2]);
  });

  it('stops before the size that the device has no memory for', async () => {
    const { batch } = await measured('cuda', (items) => {
      if (items > 16) throw new Error('Failed to allocate memory for requested buffer of size 1');
      return 10;
    });
    expect(batch).toBe(16);
  });

  it('ends where the clock stands still', async () => {
    expect((await measured('cpu', () => 0)).batch).toBeGreaterThan(0);
  });
});
