import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { CorruptParquetError } from '../formats/parquet/corrupt.ts';
import { openParquet, PARQUET_MAGIC, type ParquetFile } from '../formats/parquet/file.ts';
import { readRows } from '../formats/parquet/rows.ts';
import { classNames, shapeOf, type TableColumn } from '../formats/parquet/shape.ts';
import { errnoOf } from '../io/disk-errors.ts';
import { urlFetcher } from '../io/fetch.ts';
import { statFingerprint } from '../io/fingerprint.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError, SluiceError } from '../model/errors.ts';
import { localFiles } from './local-files.ts';
import { type TableOptions, tableFields } from './parquet-options.ts';
import type { RowTargets, TableRow } from './parquet-rows.ts';
import { listTable, planTable, type Table, type TablePlan } from './parquet-table.ts';

const options = z.strictObject(tableFields);

/** Rows of a local Parquet file: texts, URLs, files beside it, or the bytes of media. */
export const parquet: LoaderComponent<TableOptions> = {
  name: 'parquet',
  summary:
    'Rows of a Parquet file: texts, URLs, files beside it, or media in its cells, as in Hugging Face datasets',
  example: 'sluice ingest captions.parquet --input-column image --text-column caption',
  options,
  detect({ source, isDirectory, head }) {
    if (isDirectory) return undefined;
    if (head.subarray(0, PARQUET_MAGIC.length).equals(PARQUET_MAGIC)) return 'a Parquet file by its content';
    // A broken one is to be reported as what its name says.
    return /\.parquet$/i.test(source) ? 'a Parquet file by its name' : undefined;
  },
  open: (source, tableOptions) => openLoader(resolve(source), tableOptions),
};

class ParquetLoader implements Loader {
  readonly describes: string;
  readonly #file: ParquetFile;
  readonly #path: string;
  readonly #plan: TablePlan;
  readonly #options: TableOptions;
  #done = 0;

  constructor(file: ParquetFile, path: string, plan: TablePlan, tableOptions: TableOptions) {
    const { name, rows, rowGroups } = file;
    this.describes = `Parquet file ${name}, ${rows} rows in ${rowGroups.length} row groups; ${plan.facts}`;
    this.#file = file;
    this.#path = path;
    this.#plan = plan;
    this.#options = tableOptions;
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.#path, { bigint: true }));
  }

  async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const { source, name, rows } = this.#file;
    this.#done = 0;
    try {
      await source.acquire();
      try {
        const targets = rowTargets(dirname(this.#path), this.#options, ctx);
        for await (const listed of listTable(
          parquetTable(this.#file),
          this.#plan,
          targets,
          this.#options,
          ctx,
        )) {
          this.#done++;
          yield listed;
        }
      } finally {
        await source.release();
      }
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isUnreadable(error)) throw error;
      return { complete: false, reason: `${asError(error).message} (after ${this.#done} of ${rows} rows)` };
    }
    if (await source.changed()) return { complete: false, reason: `${name} was changed while it was read` };
    if (this.#done !== rows)
      return { complete: false, reason: `${name} has ${rows} rows by its footer; ${this.#done} were read` };
    return { complete: true, evidence: `all ${rows} rows that the footer of ${name} says were read` };
  }

  /** In rows. */
  progress(): { done: number; total: number } {
    return { done: this.#done, total: this.#file.rows };
  }
}

/** Whether an error says that the source cannot be read to its end; others are fatal, or bugs. */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof FatalError) return false;
  return error instanceof CorruptParquetError || error instanceof SluiceError || errnoOf(error) !== undefined;
}

export function rowTargets(base: string, tableOptions: TableOptions, ctx: Context): RowTargets {
  const { allowOutside, allowPrivateAddresses } = tableOptions;
  return {
    resolveFile: filesBeside(base, allowOutside),
    fetchUrl: urlFetcher({ allowPrivateAddresses }, ctx.clock),
  };
}

/** `localFiles`, in the words of a table. */
export function filesBeside(base: string, allowOutside: boolean): RowTargets['resolveFile'] {
  const resolveFile = localFiles(base, allowOutside);
  return async (path) => {
    const file = await resolveFile(path);
    return 'code' in file && file.code === 'PATH_OUTSIDE_BASE'
      ? { ...file, message: 'the path leads out of the folder of the table' }
      : file;
  };
}

async function openLoader(path: string, tableOptions: TableOptions): Promise<Loader> {
  const name = rawUri(toRaw(basename(path)));
  try {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    if (!(await stat(path)).isFile())
      throw new FatalError('SOURCE_UNRECOGNISED', `${path} is not a regular file`);
    const file = await openParquet(path, name);
    try {
      const resolveFile = filesBeside(dirname(path), tableOptions.allowOutside);
      const never = new AbortController().signal;
      const plan = await planTable(parquetTable(file), resolveFile, tableOptions, never);
      return new ParquetLoader(file, path, plan, tableOptions);
    } finally {
      await file.source.release();
    }
  } catch (error) {
    if (error instanceof CorruptParquetError)
      throw new FatalError('SOURCE_UNRECOGNISED', error.message, { cause: error });
    if (error instanceof FatalError || errnoOf(error) === undefined) throw error;
    throw new FatalError('SOURCE_NOT_FOUND', `${path} cannot be opened: ${asError(error).message}`, {
      cause: error,
    });
  }
}

function parquetTable(file: ParquetFile): Table {
  const { name, schema, notes } = file;
  const classes = classNames(notes.get('huggingface'));
  return {
    name,
    columns: schema.children.map((node): TableColumn => {
      const names = classes.get(node.element.name);
      const column = { name: node.element.name, shape: shapeOf(node) };
      return names === undefined ? column : { ...column, classNames: names };
    }),
    async *rows(selected, signal) {
      const nodes = selected.map((index) => schema.children[index]!);
      for await (const { start, count, columns } of readRows(file, nodes, signal)) {
        yield Array.from({ length: count }, (_, i): TableRow => {
          const cells: unknown[] = [];
          for (const [place, index] of selected.entries()) cells[index] = columns[place]![i];
          return { uri: `${name}#R${start + i + 1}`, cells };
        });
      }
    },
  };
}
