import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves of 16 MiB; a run of any length holds less than that at a time. */
const ENOUGH_BYTES = 32 * 1024 * 1024;
const LOOK_EVERY_MS = 20;

/**
 * Stops V8's young generation from growing beyond two halves of 16 MiB.
 *
 * Over a long run V8 lets it grow to 128 MiB whatever the run holds, and gains no speed here. The limit is that of
 * `node --max-semi-space-size=16`, which Node reads only at its start, and a `#!` line cannot carry options on every
 * system; the factor by which it grows is read each time.
 */
export function capYoungGeneration(): void {
  const timer = setInterval(() => {
    if (youngBytes() < ENOUGH_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    clearInterval(timer);
  }, LOOK_EVERY_MS);
  timer.unref();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
}
