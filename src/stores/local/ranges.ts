import { compareUtf8 } from './id-order.ts';
import { columnNames, type Table } from './lance.ts';
import { stringColumn } from './result.ts';
import { textBytesOfSchema1 } from './rows.ts';

/** What is read and held at once: about so many bytes, of texts, annotations and everything else. */
export const RANGE_BYTES = 16_000_000;
/** What a row takes beside its text and annotations. */
export const ROW_BYTES = 1000;
/** Boundaries that are kept while ids are scanned; with more, every other one is dropped. */
const MAX_SAMPLES = 8192;
/** Samples a range: more make ranges more even. */
const SAMPLES_PER_RANGE = 8;

/** Ids that divide the rows of a query into ranges of about `bytes`; a row that is larger is the last of its range. */
export async function rangeBounds(
  table: Table,
  filter: readonly string[],
  bytes: number = RANGE_BYTES,
): Promise<string[]> {
  const names = await columnNames(table);
  const sizes = ['textBytes', 'annotationBytes'].filter((name) => names.includes(name));
  const isSchema1 = sizes.length === 0;
  const sampler = new Sampler();
  const query = table.query().select(['id', ...(isSchema1 ? ['kind', 'bytes'] : sizes)]);
  if (filter.length > 0) query.where(filter.join(' AND '));
  for await (const batch of query) {
    const ids = stringColumn(batch, 'id') as string[];
    const columns = sizes.map((name) => batch.getChild(name)!);
    const large = isSchema1
      ? textsOfSchema1(stringColumn(batch, 'kind') as string[], batch.getChild('bytes')!)
      : (i: number) => columns.reduce((sum, column) => sum + Number(column.get(i) ?? 0), 0);
    ids.forEach((id, i) => {
      sampler.add(id, ROW_BYTES + large(i));
    });
  }
  return sampler.bounds(bytes);
}

const textsOfSchema1 = (kinds: readonly string[], sizes: { get(i: number): unknown }) => (i: number) =>
  textBytesOfSchema1(kinds[i]!, Number(sizes.get(i))) ?? 0;

/** Every so many bytes of rows, in the order they are stored, one id; sorted, they divide the ids evenly. */
class Sampler {
  #samples: string[] = [];
  #step = RANGE_BYTES / SAMPLES_PER_RANGE;
  #sinceLast = 0;

  add(id: string, weight: number): void {
    this.#sinceLast += weight;
    // A row of several steps is as many samples, so that it does not share its range.
    while (this.#sinceLast >= this.#step) {
      this.#sinceLast -= this.#step;
      this.#samples.push(id);
      if (this.#samples.length < MAX_SAMPLES) continue;
      this.#samples = this.#samples.filter((_, i) => i % 2 === 1);
      this.#step *= 2;
    }
  }

  bounds(rangeBytes: number): string[] {
    const every = Math.max(1, Math.round(rangeBytes / this.#step));
    const bounds = this.#samples.sort(compareUtf8).filter((_, i) => i % every === every - 1);
    return [...new Set(bounds)];
  }
}
