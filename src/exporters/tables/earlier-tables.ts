import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptParquetError } from '../../formats/parquet/corrupt.ts';
import { openParquet } from '../../formats/parquet/file.ts';
import { readRows } from '../../formats/parquet/rows.ts';
import { BinaryValue } from '../../formats/parquet/values.ts';
import { errnoOf } from '../../io/disk-errors.ts';
import { asError, FatalError } from '../../model/errors.ts';
import { KINDS } from '../../model/kind.ts';
import { ANNOTATION_COLUMNS, type Column, inputColumns, type Row } from './columns.ts';

/** An input of an earlier export, and its annotations. */
export interface EarlierInput {
  id: string;
  row: Row;
  annotations: Row[];
}

/** The tables of an earlier export of ours, whose rows are in the order of the ids of inputs. */
export class EarlierTables {
  readonly folder: string;
  /** Names of the columns of its inputs. */
  readonly columns: ReadonlySet<string>;
  readonly #inputs: readonly string[];
  readonly #annotations: readonly string[];

  private constructor(
    folder: string,
    columns: ReadonlySet<string>,
    inputs: readonly string[],
    annotations: readonly string[],
  ) {
    this.folder = folder;
    this.columns = columns;
    this.#inputs = inputs;
    this.#annotations = annotations;
  }

  /** Throws FatalError SOURCE_NOT_FOUND when the folder has no such tables, SOURCE_UNRECOGNISED when they are not ours. */
  static async open(folder: string): Promise<EarlierTables> {
    const names = await readdir(folder).catch((error: unknown) => {
      throw new FatalError('SOURCE_NOT_FOUND', `${folder}: ${asError(error).message}`, { cause: error });
    });
    const inputs = shardsOf(names, 'inputs');
    const annotations = shardsOf(names, 'annotations');
    if (inputs.length === 0 || annotations.length !== inputs.length) {
      const message = `${folder} has not the tables inputs and annotations of an export to Parquet`;
      throw new FatalError('SOURCE_NOT_FOUND', message);
    }
    const columns = await columnsOf(folder, inputs[0]!, 'input_id');
    await columnsOf(folder, annotations[0]!, 'annotation_id');
    return new EarlierTables(folder, columns, inputs, annotations);
  }

  /** In the order of their ids. Throws FatalError SOURCE_UNRECOGNISED where they cannot be read. */
  async *rows(signal: AbortSignal): AsyncGenerator<EarlierInput> {
    const annotations = rowsOf(this.folder, this.#annotations, ANNOTATION_COLUMNS, signal);
    let next = await annotations.next();
    try {
      for await (const row of rowsOf(this.folder, this.#inputs, inputColumns(KINDS, 'embed'), signal)) {
        const id = row.input_id as string;
        const own: Row[] = [];
        while (next.done !== true && next.value.input_id === id) {
          own.push(next.value);
          next = await annotations.next();
        }
        yield { id, row, annotations: own };
      }
    } finally {
      await annotations.return(undefined);
    }
  }
}

/** `inputs.parquet`, or `inputs-00000.parquet` and so on. */
const shardsOf = (names: readonly string[], table: string): string[] =>
  names.filter((name) => new RegExp(`^${table}(?:-\\d+)?\\.parquet$`).test(name)).sort();

async function columnsOf(folder: string, name: string, id: string): Promise<Set<string>> {
  const file = await openParquet(join(folder, name), name).catch((error: unknown) => {
    throw unusable(folder, name, error);
  });
  await file.source.release();
  const columns = new Set(file.schema.children.map(({ element }) => element.name));
  if (columns.has('input_id') && columns.has(id)) return columns;
  throw new FatalError('SOURCE_UNRECOGNISED', `${join(folder, name)} is no table of ours: it has no ${id}`);
}

async function* rowsOf(
  folder: string,
  names: readonly string[],
  columns: readonly Column[],
  signal: AbortSignal,
): AsyncGenerator<Row, undefined> {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  for (const name of names) {
    try {
      const file = await openParquet(join(folder, name), name);
      try {
        const nodes = file.schema.children.filter(({ element }) => types.has(element.name));
        for await (const block of readRows(file, nodes, signal)) {
          for (let i = 0; i < block.count; i++) {
            yield Object.fromEntries(
              nodes.map(({ element }, c) => [
                element.name,
                cellOf(block.columns[c]![i], types.get(element.name) === 'time'),
              ]),
            );
          }
        }
      } finally {
        await file.source.release();
      }
    } catch (error) {
      signal.throwIfAborted();
      throw unusable(folder, name, error);
    }
  }
  return undefined;
}

function cellOf(value: unknown, isTime: boolean): unknown {
  if (isTime && typeof value === 'string') return new Date(value);
  if (typeof value !== 'object' || value === null || !('bytes' in value)) return value ?? null;
  const { bytes } = value;
  return { ...value, bytes: bytes instanceof BinaryValue ? bytes.bytes : (bytes ?? null) };
}

function unusable(folder: string, name: string, error: unknown): unknown {
  if (!(error instanceof CorruptParquetError) && errnoOf(error) === undefined) return error;
  const message = `${join(folder, name)} cannot be read: ${asError(error).message}`;
  return new FatalError('SOURCE_UNRECOGNISED', message, { cause: error });
}
