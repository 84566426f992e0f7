import { KeyTable } from '../io/key-table.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import { safeName } from './media-copy.ts';

/** Where inputs without a split go: what every reader takes for that. */
const DEFAULT_SPLIT = 'train';

/** What the splits of a version are called in file names: words of letters, digits and `_`, for readers want that. */
export function splitNames({ inputsBySplit }: DatasetVersion): (split: string | undefined) => string {
  const taken = new KeyTable({ values: false });
  const names = new Map<string, string>();
  // The default first, lest another split be given its name.
  for (const split of [DEFAULT_SPLIT, ...Object.keys(inputsBySplit).sort()]) {
    if (names.has(split)) continue;
    const word = split.replace(/[^\p{L}\p{N}_]+/gu, '_');
    names.set(split, safeName(word, taken).replaceAll('-', '_'));
  }
  return (split) => names.get(split ?? DEFAULT_SPLIT) ?? DEFAULT_SPLIT;
}
