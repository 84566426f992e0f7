import type { Table } from '../lance.ts';
import { type Pair, pairKey, scanPairs } from './tables.ts';

/** Pairs that one delete names. */
const REMOVED_AT_ONCE = 4096;

/** Whether an input is there, and has the content, now. */
export type IsCurrent = (inputId: string, content: string) => boolean;

/** Hands over, in bounded parts, what rows are of inputs that are gone or have other content now; counts the rows. */
export async function findStale(
  table: Table,
  isCurrent: IsCurrent,
  handle: (pairs: readonly Pair[]) => Promise<unknown>,
  signal: AbortSignal,
): Promise<number> {
  let rows = 0;
  let stale = new Map<string, Pair>();
  for await (const { inputIds, contents } of scanPairs(table, { wholeOnly: false })) {
    signal.throwIfAborted();
    for (let i = 0; i < inputIds.length; i++) {
      const pair = { inputId: inputIds[i]!, content: contents[i]! };
      if (isCurrent(pair.inputId, pair.content)) continue;
      stale.set(pairKey(pair.inputId, pair.content), pair);
      rows++;
    }
    if (stale.size < REMOVED_AT_ONCE) continue;
    await handle([...stale.values()]);
    stale = new Map();
  }
  if (stale.size > 0) await handle([...stale.values()]);
  return rows;
}
