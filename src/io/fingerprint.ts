import type { BigIntStats } from 'node:fs';

/** Changes when a file's content may have changed: its size in bytes and its modification time in nanoseconds. */
export const statFingerprint = (stats: Pick<BigIntStats, 'size' | 'mtimeNs'>): string =>
  `${stats.size}-${stats.mtimeNs}`;
