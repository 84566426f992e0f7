import { hash } from 'node:crypto';
import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import { noDataset } from './dataset-errors.ts';
import { findDataset } from './dataset-table.ts';
import { changeStore, type MaintenanceOptions } from './held-store.ts';
import { compareUtf8 } from './id-order.ts';
import { changeRows } from './row-changes.ts';
import type { InputRow } from './rows.ts';

/** How the inputs of a dataset are divided. */
export type SplitRule =
  /** By the value (a string, number or boolean) that their metadata has under this key. */
  | { metadata: string }
  /** By a hash of their ids: the percentages, in order, add up to 100. */
  | { percent: Readonly<Record<string, number>>; seed?: string };

export interface SplitResult {
  changed: number;
  unchanged: number;
  /** Inputs without that value; they keep what they have. */
  withoutValue: number;
  /** Inputs by split, afterwards. */
  bySplit: Record<string, number>;
}

/**
 * Sets the split of every input of a dataset. An input's split depends on its own id, or metadata, alone, so it stays
 * when others are added. Throws FatalError DATASET_NOT_FOUND or CONFIG_INVALID.
 */
export function splitDataset(
  root: string,
  dataset: string,
  rule: SplitRule,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<SplitResult> {
  const splitOf = 'metadata' in rule ? byMetadata(rule.metadata) : byHash(rule.percent, rule.seed ?? '');
  return changeStore(root, 'datasets split', options, ctx, async (store) => {
    if ((await findDataset(store.connection, dataset)) === undefined) {
      throw await noDataset(store.connection, dataset);
    }
    const now = ctx.clock.now();
    const bySplit = new Map<string, number>();
    let withoutValue = 0;
    const change = (row: InputRow): InputRow | undefined => {
      const wanted = splitOf(row);
      if (wanted === undefined) withoutValue++;
      const split = wanted ?? row.split;
      if (split !== undefined) bySplit.set(split, (bySplit.get(split) ?? 0) + 1);
      return split === row.split ? undefined : { ...row, split, updatedAt: now };
    };
    const { found, changed } = await changeRows(store, { dataset }, change, ctx);
    const sorted = [...bySplit].sort(([a], [b]) => compareUtf8(a, b));
    return { changed, unchanged: found - changed, withoutValue, bySplit: Object.fromEntries(sorted) };
  });
}

const byMetadata =
  (key: string) =>
  ({ metadata }: InputRow): string | undefined => {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    const isName = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isName && value !== '' ? String(value) : undefined;
  };

function byHash(percent: Readonly<Record<string, number>>, seed: string): (row: InputRow) => string {
  const parts = Object.entries(percent);
  const sum = parts.reduce((total, [, share]) => total + share, 0);
  const isShare = (share: number) => Number.isFinite(share) && share >= 0;
  if (!parts.every(([name, share]) => name !== '' && isShare(share)) || Math.abs(sum - 100) > 1e-6) {
    throw new FatalError(
      'CONFIG_INVALID',
      `splits have names, and percentages from 0 that add up to 100; these add up to ${sum}`,
      {
        measured: sum,
        limit: 100,
      },
    );
  }
  const last = parts.findLast(([, share]) => share > 0)![0];
  return ({ id }) => {
    // 48 bits of the hash, as a percentage.
    const at = (Number.parseInt(hash('sha256', `${seed}\n${id}`, 'hex').slice(0, 12), 16) / 2 ** 48) * 100;
    let end = 0;
    for (const [name, share] of parts) {
      end += share;
      if (at < end) return name;
    }
    return last;
  };
}
