import type { Sink, SinkResult } from '../model/contracts.ts';

const STORED: SinkResult = { code: 'INPUT_SUCCESS' };
/** As many as the local store takes, so that a benchmark against it compares like with like. */
const BATCHES = 512;

/** Accepts everything at once and keeps nothing: for benchmarks and for what only the source is asked about. */
export const nullSink = (spoolDir: string): Sink => ({
  name: 'null',
  concurrency: BATCHES,
  spoolDir,
  existing: async () => new Map(),
  write: async (batch) =>
    batch.map((ready) => {
      ready.release();
      return STORED;
    }),
  flush: async () => {},
  close: async () => {},
});
