import { compareUtf8 } from './id-order.ts';
import { INLINE_TEXT_BYTES } from './incoming.ts';
import { inDataset, sqlText, type Table } from './lance.ts';
import { stringColumn } from './result.ts';
import { type InputRow, readRows } from './rows.ts';

/** Rows that are sorted in memory at once, together: about so many bytes, of texts and everything else. */
const RANGE_BYTES = 16_000_000;
/** What a row takes beside its text. */
const ROW_BYTES = 1000;
/** Boundaries that are kept while ids are scanned; with more, every other one is dropped. */
const MAX_SAMPLES = 8192;
/** Samples a range: more make ranges more even. */
const SAMPLES_PER_RANGE = 8;

export interface ListOptions {
  dataset?: string;
  /** At most so many. */
  limit?: number;
  /** Begin after this id, for pages. */
  afterId?: string;
}

/**
 * Rows in the order of their ids (that of their UTF-8), in bounded memory for any number of them.
 *
 * Ids are scanned once and cut into ranges of bounded size; each range is then read and sorted. Should the version
 * that is read be cleaned away meanwhile, the listing goes on after the last id with the newest one.
 */
export async function* listRows(
  open: () => Promise<Table | undefined>,
  { dataset, limit = Number.POSITIVE_INFINITY, afterId }: ListOptions,
): AsyncGenerator<InputRow> {
  const member = dataset === undefined ? [] : [inDataset(dataset)];
  let after = afterId;
  let left = limit;
  let lost: unknown;
  let progressed = true;
  while (left > 0) {
    const table = await open();
    if (table === undefined) return;
    try {
      const began = after === undefined ? [] : [`id > ${sqlText(after)}`];
      const bounds = await rangeBounds(table, [...member, ...began], left);
      for (const bound of [...bounds, undefined]) {
        const filter = [
          ...member,
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

/** Ids that divide the rows into ranges of about RANGE_BYTES. With a small `limit`, the first range is enough. */
async function rangeBounds(table: Table, filter: readonly string[], limit: number): Promise<string[]> {
  const sampler = new Sampler();
  const query = table.query().select(['id', 'kind', 'bytes']);
  if (filter.length > 0) query.where(filter.join(' AND '));
  for await (const batch of query) {
    const kinds = stringColumn(batch, 'kind');
    const sizes = batch.getChild('bytes')!;
    (stringColumn(batch, 'id') as string[]).forEach((id, i) => {
      const text = kinds[i] === 'text' ? Math.min(Number(sizes.get(i)), INLINE_TEXT_BYTES) : 0;
      sampler.add(id, ROW_BYTES + text);
    });
  }
  return sampler.bounds(Math.min(RANGE_BYTES, Math.max(1, limit) * (ROW_BYTES + INLINE_TEXT_BYTES)));
}

/** Every so many bytes of rows, in the order they are stored, one id; sorted, they divide the ids evenly. */
class Sampler {
  #samples: string[] = [];
  #step = RANGE_BYTES / SAMPLES_PER_RANGE;
  #sinceLast = 0;

  add(id: string, weight: number): void {
    this.#sinceLast += weight;
    if (this.#sinceLast < this.#step) return;
    this.#sinceLast -= this.#step;
    this.#samples.push(id);
    if (this.#samples.length < MAX_SAMPLES) return;
    this.#samples = this.#samples.filter((_, i) => i % 2 === 1);
    this.#step *= 2;
  }

  bounds(rangeBytes: number): string[] {
    const every = Math.max(1, Math.round(rangeBytes / this.#step));
    return this.#samples.sort(compareUtf8).filter((_, i) => i % every === every - 1);
  }
}
