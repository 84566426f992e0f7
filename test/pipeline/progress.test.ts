import { expect, test } from 'vitest';
import { ProgressMeter } from '../../src/pipeline/progress.ts';

const totals = (ok: number, pending = 0) => ({ listed: ok, ok, rejected: 0, failed: 0, skipped: 0, pending });

test('the ETA follows the rate of the last seconds, not that of the whole run', () => {
  const meter = new ProgressMeter();
  const at = (second: number, done: number) =>
    meter.sample(second * 1000, {
      totals: totals(done),
      bytesRead: done * 10,
      listing: { done, total: 1000 },
    });
  at(0, 0);
  // A slow first minute, then ten items a second.
  at(60, 10);
  for (let second = 61; second <= 100; second++) at(second, 10 + (second - 60) * 10);
  const last = at(101, 420);
  expect(last.itemsPerSecond).toBeCloseTo(10, 1);
  expect(last.bytesPerSecond).toBeCloseTo(100, 0);
  expect(last.fraction).toBeCloseTo(0.42);
  expect(last.etaMs! / 1000).toBeCloseTo(58, 0);
});

test('what was listed but has no outcome is not counted as done', () => {
  const snapshot = new ProgressMeter().sample(0, {
    totals: totals(25, 75),
    bytesRead: 0,
    listing: { done: 100, total: 200 },
  });
  expect(snapshot.fraction).toBeCloseTo(0.125);
});

test('a source of unknown size gives no share and no ETA', () => {
  const snapshot = new ProgressMeter().sample(0, { totals: totals(5), bytesRead: 1, listing: { done: 5 } });
  expect(snapshot.fraction).toBeUndefined();
  expect(snapshot.etaMs).toBeUndefined();
});
