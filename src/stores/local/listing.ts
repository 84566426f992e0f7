import { compareUtf8 } from './id-order.ts';
import { inDataset, sqlText, type Table } from './lance.ts';
import { RANGE_BYTES, ROW_BYTES, rangeBounds } from './ranges.ts';
import { INLINE_TEXT_BYTES, type InputRow, readRows } from './rows.ts';

/** A first page of so few rows needs no full range. */
const PAGED_ROW_BYTES = ROW_BYTES + INLINE_TEXT_BYTES;

export interface ListOptions {
  dataset?: string;
  /** At most so many. */
  limit?: number;
  /** Begin after this id, for pages. */
  afterId?: string;
  /** Only what this run wrote last. */
  runId?: string;
}

/**
 * Rows in the order of their ids (that of their UTF-8), in bounded memory for any number of them.
 *
 * Ids are scanned once and cut into ranges of bounded size; each range is then read and sorted. Should the version
 * that is read be cleaned away meanwhile, the listing goes on after the last id with the newest one.
 */
export async function* listRows(
  open: () => Promise<Table | undefined>,
  { dataset, limit = Number.POSITIVE_INFINITY, afterId, runId, where }: ListOptions & { where?: string },
): AsyncGenerator<InputRow> {
  const chosen = [
    ...(dataset === undefined ? [] : [inDataset(dataset)]),
    ...(runId === undefined ? [] : [`runId = ${sqlText(runId)}`]),
    ...(where === undefined ? [] : [where]),
  ];
  let after = afterId;
  let left = limit;
  let lost: unknown;
  let progressed = true;
  while (left > 0) {
    const table = await open();
    if (table === undefined) return;
    try {
      const began = after === undefined ? [] : [`id > ${sqlText(after)}`];
      const bytes = Math.min(RANGE_BYTES, left * PAGED_ROW_BYTES);
      const bounds = await rangeBounds(table, [...chosen, ...began], bytes);
      for (const bound of [...bounds, undefined]) {
        const filter = [
          ...chosen,
          ...(after === undefined ? [] : [`id > ${sqlText(after)}`]),
          ...(bound === undefined ? [] : [`id <= ${sqlText(bound)}`]),
        ];
        for (const row of await sortedRows(table, filter)) {
          yield row;
          progressed = true;
          after = row.id;
          if (--left <= 0) return;
        }
        after = bound ?? after;
      }
      return;
    } catch (error) {
      // The same version failing twice at the same place is no longer a matter of clean-up.
      if (!progressed) throw lost ?? error;
      lost = error;
      progressed = false;
    } finally {
      table.close();
    }
  }
}

async function sortedRows(table: Table, filter: readonly string[]): Promise<InputRow[]> {
  const rows: InputRow[] = [];
  const query = table.query();
  if (filter.length > 0) query.where(filter.join(' AND '));
  for await (const batch of query) rows.push(...readRows(batch));
  return rows.sort((a, b) => compareUtf8(a.id, b.id));
}
