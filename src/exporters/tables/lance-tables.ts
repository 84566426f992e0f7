import { connect, Session } from '@lancedb/lancedb';
import { z } from 'zod';
import { writeFailure } from '../../io/disk-errors.ts';
import type { Context } from '../../model/contracts.ts';
import { asError, FatalError, RejectedItemError } from '../../model/errors.ts';
import type { ExportResult, ExportSource, ExportTarget } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import { KINDS } from '../../model/kind.ts';
import type { Outcome } from '../../model/outcome.ts';
import { failedOutcome, inputOutcome } from '../input-outcome.ts';
import { Tally, tallyShape } from '../tally.ts';
import { writtenFiles } from '../written-files.ts';
import { MediaCells } from './cells.ts';
import { ANNOTATION_COLUMNS, inputColumns, type MediaMode, type Row } from './columns.ts';
import { LanceTable } from './lance-table.ts';
import { compareIds } from './merge.ts';
import { annotationRow, inputRow, sizeOf } from './rows.ts';

/** Rows are held in memory until they are appended, at whichever comes first. */
const APPEND_BYTES = 32_000_000;
const APPEND_ROWS = 20_000;
/** LanceDB would cache up to 6 GB of index and 1 GB of metadata. */
const CACHE_BYTES = 16_000_000n;

const NO_SPACE = /No space left on device|os error 28\b|Disk quota exceeded|not enough space on the disk/i;

/** Written after each append: the last id in the tables, and the version of each. */
const checkpointShape = z.strictObject({
  after: z.string(),
  inputs: z.int(),
  annotations: z.int(),
  tally: tallyShape,
});
type Checkpoint = z.infer<typeof checkpointShape>;

/** Appends the rows in batches; a killed export goes on after the last batch that was whole. */
export async function* writeLanceTables(
  source: ExportSource,
  target: ExportTarget,
  { media }: { media: MediaMode },
  ctx: Context,
): AsyncGenerator<Outcome, ExportResult, void> {
  const saved = checkpointShape.safeParse(target.checkpoint).data;
  const tally = new Tally([], saved?.tally);
  const cells = await MediaCells.create(source, target.path, media);
  const tables = await guarded(target.path, () => Tables.open(source, target.path, media, saved));
  let after = saved?.after;
  const append = async () => {
    if (after === undefined) return;
    const versions = await guarded(target.path, () => tables.append());
    await target.save({ after, ...versions, tally: tally.state } satisfies Checkpoint);
  };
  try {
    for await (const input of source.inputs()) {
      ctx.signal.throwIfAborted();
      if (saved !== undefined && compareIds(input.id, saved.after) <= 0) {
        await restored(cells, input);
        continue;
      }
      if (tables.isFull) await append();
      yield await taken(input, cells, tables, tally);
      after = input.id;
    }
    await append();
    return { files: await writtenFiles(target.path), ...tally.result };
  } finally {
    tables.close();
  }
}

/** Puts an input and its annotations with the rows that wait. */
async function taken(input: Input, cells: MediaCells, tables: Tables, tally: Tally): Promise<Outcome> {
  try {
    tables.add(inputRow(input, await cells.of(input)), input);
  } catch (error) {
    return failedOutcome(input, error);
  }
  tally.annotations(input.annotations.length);
  return inputOutcome(input, 'EXPORTED');
}

/** An input whose bytes are gone since has its outcome already. */
async function restored(cells: MediaCells, input: Input): Promise<void> {
  try {
    await cells.restore(input);
  } catch (error) {
    if (!(error instanceof RejectedItemError)) throw error;
  }
}

class Tables {
  readonly #inputs: LanceTable;
  readonly #annotations: LanceTable;
  readonly #close: () => void;
  #inputRows: Row[] = [];
  #annotationRows: Row[] = [];
  #bytes = 0;

  private constructor(inputs: LanceTable, annotations: LanceTable, close: () => void) {
    this.#inputs = inputs;
    this.#annotations = annotations;
    this.#close = close;
  }

  static async open(
    source: ExportSource,
    folder: string,
    media: MediaMode,
    saved: Checkpoint | undefined,
  ): Promise<Tables> {
    const connection = await connect(folder, { session: new Session(CACHE_BYTES, CACHE_BYTES) });
    try {
      const kinds = KINDS.filter((kind) => (source.version.inputsByKind[kind] ?? 0) > 0);
      const columns = inputColumns(kinds, media);
      const inputs = await LanceTable.open(connection, folder, 'inputs', columns, saved?.inputs);
      const annotations = await LanceTable.open(
        connection,
        folder,
        'annotations',
        ANNOTATION_COLUMNS,
        saved?.annotations,
      );
      return new Tables(inputs, annotations, () => connection.close());
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get isFull(): boolean {
    const rows = Math.max(this.#inputRows.length, this.#annotationRows.length);
    return this.#bytes >= APPEND_BYTES || rows >= APPEND_ROWS;
  }

  add(row: Row, { id, annotations }: Input): void {
    const rows = annotations.map((annotation) => annotationRow(id, annotation));
    this.#inputRows.push(row);
    for (const each of rows) this.#annotationRows.push(each);
    this.#bytes += rows.reduce((sum, each) => sum + sizeOf(each), sizeOf(row));
  }

  /** Appends what waits; the versions are durable. */
  async append(): Promise<Pick<Checkpoint, 'inputs' | 'annotations'>> {
    await this.#inputs.append(this.#inputRows);
    await this.#annotations.append(this.#annotationRows);
    this.#inputRows = [];
    this.#annotationRows = [];
    this.#bytes = 0;
    await this.#inputs.sync();
    await this.#annotations.sync();
    return { inputs: await this.#inputs.version(), annotations: await this.#annotations.version() };
  }

  close(): void {
    this.#inputs.close();
    this.#annotations.close();
    this.#close();
  }
}

/** What Lance throws says only in words that the disk is full. */
async function guarded<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!NO_SPACE.test(asError(error).message)) throw writeFailure(error, folder);
    throw new FatalError('STORE_FULL', `no space left on the disk of ${folder}`, { cause: error });
  }
}
