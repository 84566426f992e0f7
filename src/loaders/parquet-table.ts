import type { TableColumn } from '../formats/parquet/shape.ts';
import type { Context, Listed } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import { type CellForm, formOfCells, SAMPLE_CELLS } from './cell-form.ts';
import { planColumns, type TableColumns, usedColumns } from './parquet-columns.ts';
import { textOf } from './parquet-fields.ts';
import type { TableOptions } from './parquet-options.ts';
import { type RowTargets, type TableRow, TableRows } from './parquet-rows.ts';

/** Rows that are looked up at once where they name files; their order is kept. */
const AHEAD = 64;
/** Blocks of rows that are searched for cells which show their form. */
const SAMPLE_BLOCKS = 10;

/** Anything with named, typed columns, whose rows come in blocks. */
export interface Table {
  /** For messages. */
  readonly name: string;
  readonly columns: readonly TableColumn[];
  /** The rows, in order; only the cells of `selected` columns, by their index, are there. */
  rows(selected: readonly number[], signal: AbortSignal): AsyncGenerator<TableRow[], void>;
}

/** How a table will be read. */
export interface TablePlan {
  columns: TableColumns;
  /** Of the cells of an `input` column. */
  form: CellForm;
  /** What was detected, for the user. */
  facts: string;
}

/**
 * Decides how the rows of a table become items; its first rows are looked at where the types of its columns do not
 * tell. Throws FatalError CONFIG_INVALID when it cannot be read so.
 */
export async function planTable(
  table: Table,
  resolveFile: RowTargets['resolveFile'],
  options: TableOptions,
  signal: AbortSignal,
): Promise<TablePlan> {
  const columns = planColumns(table.columns, options, table.name);
  const { contents, ignored } = columns;
  const open = contents.find(({ form }) => form === 'input' || form === 'bytes');
  const { inputType } = options;
  if (open === undefined && inputType !== undefined)
    throw new FatalError(
      'CONFIG_INVALID',
      `${table.name}: the column "${contents[0]!.name}" says itself what it holds; --input-type goes with --input-column`,
    );
  const { form, because } =
    open === undefined
      ? { form: 'raw' as const, because: undefined }
      : await decideForm(table, open, resolveFile, inputType, signal);
  const names = contents.map(({ name }) => `"${name}"`).join(', ');
  const facts = [
    `inputs are in ${names}${because === undefined ? '' : ` (${because})`}`,
    ...(columns.concepts === undefined ? [] : [`labels in "${columns.names[columns.concepts]}"`]),
    ...(ignored.length === 0 ? [] : [`not read: ${quotedNames(ignored)}`]),
  ];
  return { columns, form, facts: facts.join('; ') };
}

const FORM_NAMES: Readonly<Record<CellForm, string>> = { raw: 'texts', url: 'URLs', file: 'file paths' };

/** Makes `content` what its cells are. */
async function decideForm(
  table: Table,
  content: TableColumns['contents'][number],
  resolveFile: RowTargets['resolveFile'],
  inputType: TableOptions['inputType'],
  signal: AbortSignal,
): Promise<{ form: CellForm; because: string }> {
  const { shape } = table.columns[content.index]!;
  const holdsBytes = shape === 'binary' || shape === 'media';
  if ((inputType === 'bytes' && !holdsBytes) || (shape === 'media' && (inputType ?? 'bytes') !== 'bytes'))
    throw new FatalError(
      'CONFIG_INVALID',
      `${table.name}: the column "${content.name}" ${holdsBytes ? 'holds' : 'does not hold'} bytes, yet --input-type is ${inputType}`,
    );
  if (inputType === 'bytes' || (inputType === undefined && holdsBytes)) {
    content.form = 'bytes';
    return { form: 'raw', because: inputType === undefined ? 'bytes, by its type' : 'bytes, as asked' };
  }
  content.form = 'input';
  if (inputType !== undefined) return { form: inputType, because: `${FORM_NAMES[inputType]}, as asked` };
  const cells = await firstCells(table, content.index, signal);
  const { form, because } = await formOfCells(cells, resolveFile);
  return { form, because: `${FORM_NAMES[form]}, ${because}` };
}

/** Trimmed, without those that are empty. */
async function firstCells(table: Table, index: number, signal: AbortSignal): Promise<string[]> {
  const cells: string[] = [];
  let blocks = 0;
  for await (const rows of table.rows([index], signal)) {
    for (const row of rows) {
      const value = row.cells[index];
      const cell = typeof value === 'object' ? '' : textOf(value).trim();
      if (cell !== '') cells.push(cell);
      if (cells.length === SAMPLE_CELLS) return cells;
    }
    // A column that is mostly empty is not read to its end for it.
    if (++blocks === SAMPLE_BLOCKS) break;
  }
  return cells;
}

/** Lists the rows of a table, in order, each as an item or an outcome. */
export async function* listTable(
  table: Table,
  { columns, form }: TablePlan,
  targets: RowTargets,
  options: TableOptions,
  ctx: Context,
): AsyncGenerator<Listed, void> {
  const { ignored } = columns;
  if (ignored.length > 0)
    ctx.logger.warn(
      { table: table.name, columns: ignored },
      `${table.name}: columns that are not read: ${quotedNames(ignored)}`,
    );
  const lister = new TableRows(columns, form, targets, options);
  for await (const rows of table.rows(usedColumns(columns), ctx.signal)) {
    for (let at = 0; at < rows.length; at += AHEAD)
      yield* await Promise.all(rows.slice(at, at + AHEAD).map((row) => lister.list(row)));
  }
}

const quotedNames = (names: readonly string[]): string =>
  names.map((name) => JSON.stringify(name)).join(', ');
