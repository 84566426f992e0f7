import { candidateIds, type Incoming, type Policy, textBeside } from './decide.ts';
import { type KnownRow, type LargePart, Unread } from './rows.ts';

/** What of stored rows items are compared with, so that it must be read first: ids, by the part of the row. */
export interface ComparedParts extends Record<LargePart, ReadonlySet<string>> {
  /** As stored. */
  bytes: number;
}

/** For most items, which bring neither annotations nor a text beside them, that is nothing. */
export function comparedParts(
  items: Iterable<Incoming>,
  stored: readonly KnownRow[],
  policy: Policy,
): ComparedParts {
  const compared = { text: new Set<string>(), annotations: new Set<string>(), bytes: 0 };
  let rows: Map<string, KnownRow> | undefined;
  for (const item of items) {
    const parts = comparing(item, policy);
    if (parts.length === 0) continue;
    rows ??= new Map(stored.map((row) => [row.id, row]));
    for (const id of candidateIds(item.id, item.sha256, policy)) {
      const row = rows.get(id);
      if (row?.sha256 !== item.sha256) continue;
      for (const part of parts) {
        const value = row[part];
        if (!(value instanceof Unread) || compared[part].has(id)) continue;
        compared[part].add(id);
        compared.bytes += value.bytes;
      }
    }
  }
  return compared;
}

function comparing(item: Incoming, { onExisting, onAnnotations }: Policy): LargePart[] {
  const parts: LargePart[] = [];
  if (item.annotations !== undefined && onAnnotations !== 'keep') parts.push('annotations');
  if (textBeside(item) !== undefined && onExisting !== 'keep') parts.push('text');
  return parts;
}
