import { KeyTable } from '../../../io/key-table.ts';
import type { StoreFinding } from '../findings.ts';
import { LOOKUP_CHUNK } from '../ids.ts';
import { type Connection, connectTables, type Table } from '../lance.ts';
import type { StorePaths } from '../layout.ts';
import { stringColumn } from '../result.ts';
import { readCurrent } from './current-inputs.ts';
import { indexPaths } from './index-paths.ts';
import type { IsCurrent } from './stale.ts';
import { readIndexState } from './state.ts';
import { findVectors, inputIn, pairKey, storedFingerprints } from './tables.ts';
import { hasIndex, usedFingerprints } from './upkeep.ts';
import { PART_COLUMNS, partName, readParts } from './vector-rows.ts';

/**
 * Compares vectors with inputs and each other, without a lock and in flat memory; `inputs` is the store's database.
 * Counts the rows in the summary.
 */
export async function* checkVectors(
  paths: StorePaths,
  inputs: Connection,
  signal: AbortSignal,
  summary: { vectors: number },
): AsyncGenerator<StoreFinding> {
  if (!(await hasIndex(paths))) return;
  const used = usedFingerprints(await readIndexState(paths.root));
  const index = await connectTables(indexPaths(paths).db, paths.files);
  try {
    const stored = await storedFingerprints(index);
    for (const fingerprint of stored) {
      if (!used.has(fingerprint)) yield { finding: 'VECTORS_UNUSED', fingerprint };
    }
    for (const regions of [false, true]) {
      const chosen = stored.filter((fingerprint) => used.get(fingerprint)?.regions === regions);
      if (chosen.length === 0) continue;
      const isCurrent = await readCurrent(inputs, { regions }, signal);
      for (const fingerprint of chosen) {
        const table = await findVectors(index, fingerprint);
        if (table === undefined) continue;
        try {
          yield* checkTable(table, fingerprint, isCurrent, signal, summary);
        } finally {
          table.close();
        }
      }
    }
  } finally {
    index.close();
  }
}

async function* checkTable(
  table: Table,
  fingerprint: string,
  isCurrent: IsCurrent,
  signal: AbortSignal,
  summary: { vectors: number },
): AsyncGenerator<StoreFinding> {
  const seen = new KeyTable({ values: false });
  const suspects = new Set<string>();
  for await (const { inputId, content, part } of scanParts(table)) {
    signal.throwIfAborted();
    summary.vectors++;
    if (!isCurrent(inputId, content)) yield { finding: 'VECTOR_STALE', fingerprint, id: inputId, part };
    // Another content makes it another row; two keys may share a hash.
    if (!seen.set(`${pairKey(inputId, content)}:${part}`) && suspects.size < LOOKUP_CHUNK)
      suspects.add(inputId);
  }
  if (suspects.size === 0) return;
  const once = new Set<string>();
  const told = new Set<string>();
  for await (const { inputId, content, part } of scanParts(table, inputIn([...suspects]))) {
    const key = JSON.stringify([inputId, content, part]);
    if (once.has(key) && !told.has(key)) {
      told.add(key);
      yield { finding: 'VECTOR_DOUBLED', fingerprint, id: inputId, part };
    }
    once.add(key);
  }
}

async function* scanParts(
  table: Table,
  where?: string,
): AsyncGenerator<{ inputId: string; content: string; part: string }> {
  const query = table.query().select(['inputId', 'content', ...PART_COLUMNS]);
  if (where !== undefined) query.where(where);
  for await (const batch of query) {
    const ids = stringColumn(batch, 'inputId') as string[];
    const contents = stringColumn(batch, 'content') as string[];
    const parts = readParts(batch);
    for (let i = 0; i < ids.length; i++) {
      yield { inputId: ids[i]!, content: contents[i]!, part: partName(parts(i)) };
    }
  }
}
