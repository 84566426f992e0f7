import type { Context } from '../../model/contracts.ts';
import { COMMIT_ROWS, COMMIT_TEXT_BYTES } from './compaction.ts';
import type { HeldStore } from './held-store.ts';
import { LOOKUP_CHUNK } from './ids.ts';
import { findTable, idIn } from './lance.ts';
import { listRows } from './listing.ts';
import { encodeRows, type InputRow, largeBytes } from './rows.ts';

/** Of large parts, what one merge-insert carries (see `commit.ts`). */
const REWRITTEN_BYTES = COMMIT_TEXT_BYTES / 2;

/** Rows by their ids, or those of a dataset. */
export type ChosenRows = { ids: readonly string[] } | { dataset: string };

/**
 * Rewrites chosen rows in bounded memory, in parts, each one durable. A change must be such that a second attempt, after
 * this one was killed in between, ends the same.
 *
 * @returns how many rows were chosen, and how many changed: those for which `change` gave a row.
 */
export async function changeRows(
  store: HeldStore,
  chosen: ChosenRows,
  change: (row: InputRow) => InputRow | undefined,
  ctx: Context,
): Promise<{ found: number; changed: number }> {
  const counts = { found: 0, changed: 0 };
  const { inputs } = store;
  if (inputs === undefined) return counts;
  let rows: InputRow[] = [];
  let bytes = 0;
  const write = async () => {
    if (rows.length === 0) return;
    await inputs.replace(encodeRows(rows));
    counts.changed += rows.length;
    [rows, bytes] = [[], 0];
  };
  for await (const row of chosenRows(store, chosen)) {
    ctx.signal.throwIfAborted();
    counts.found++;
    const changed = change(row);
    if (changed === undefined) continue;
    rows.push(changed);
    bytes += largeBytes(changed);
    if (rows.length >= COMMIT_ROWS || bytes >= REWRITTEN_BYTES) await write();
  }
  await write();
  await inputs.compactIfFragmented();
  return counts;
}

/** In bounded memory. */
export async function* chosenRows({ connection }: HeldStore, chosen: ChosenRows): AsyncGenerator<InputRow> {
  for (const part of partsOf(chosen)) yield* listRows(() => findTable(connection, 'inputs'), part);
}

function partsOf(chosen: ChosenRows): { dataset?: string; where?: string }[] {
  if (!('ids' in chosen)) return [chosen];
  const unique = uniqueIds(chosen.ids);
  const parts: { where: string }[] = [];
  for (let at = 0; at < unique.length; at += LOOKUP_CHUNK) {
    parts.push({ where: idIn(unique.slice(at, at + LOOKUP_CHUNK)) });
  }
  return parts;
}

/** As they are stored: ids that differ in lone surrogates only are one. */
export const uniqueIds = (ids: readonly string[]): string[] => [
  ...new Set(ids.map((id) => id.toWellFormed())),
];
