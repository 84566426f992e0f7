import { systemClock } from '../../src/io/clock.ts';
import type { Clock, Context, Logger } from '../../src/model/contracts.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A context that logs nothing. */
export function testContext({
  signal = new AbortController().signal,
  clock = systemClock,
}: {
  signal?: AbortSignal;
  clock?: Clock;
} = {}): Context {
  return { logger: silent, signal, clock, searchPath: process.env['PATH'] ?? '' };
}
