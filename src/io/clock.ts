import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../model/contracts.ts';

/** The machine's own time. */
export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    try {
      await setTimeout(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // Node rejects with an AbortError around the reason; the contract is the reason itself.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
