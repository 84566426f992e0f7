import { hash } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { CellError } from '../formats/csv/cell-error.ts';
import { BinaryValue, jsonValue } from '../formats/parquet/values.ts';
import type { Code } from '../model/codes.ts';
import type { Listed, SourceItem } from '../model/contracts.ts';
import { outcomeOf } from '../model/outcome.ts';
import type { CellForm } from './cell-form.ts';
import type { ManifestInput } from './manifest-input.ts';
import type { TableColumns, TableContent } from './parquet-columns.ts';
import { inCell, readTableFields, textOf } from './parquet-fields.ts';
import type { TableOptions } from './parquet-options.ts';
import { RowIds, shortened } from './row-identity.ts';
import { isHttpUrl, urlContent } from './urls.ts';

/** What the rows of a table may refer to. */
export type RowTargets = Pick<ManifestInput, 'resolveFile' | 'fetchUrl'>;

export interface TableRow {
  /** `x.parquet#R12`: rows are counted from 1, as the lines of a text are. */
  uri: string;
  /** By the index of their column; those that nobody asked for are undefined. */
  cells: readonly unknown[];
}

/** Bytes in a cell, and what is known of them. */
interface MediaCell {
  value: BinaryValue;
  path: string;
}

/** Makes an item or an outcome of each row of a table. Rows are handed in in order, each once. */
export class TableRows {
  readonly #columns: TableColumns;
  /** Of the cells of an `input` column. */
  readonly #form: CellForm;
  readonly #targets: RowTargets;
  readonly #options: TableOptions;
  readonly #ids: RowIds;

  constructor(columns: TableColumns, form: CellForm, targets: RowTargets, options: TableOptions) {
    this.#columns = columns;
    this.#form = form;
    this.#targets = targets;
    this.#options = options;
    this.#ids = new RowIds(options.idPrefix);
  }

  /** The answer comes later only for rows that name a file. */
  list(row: TableRow): Listed | Promise<Listed> {
    const { contents, names } = this.#columns;
    let id: string | undefined;
    try {
      const filled = contents.filter((content) => isFilled(row, content));
      const content = filled[0];
      if (content === undefined) {
        const message = `the row has no input: ${contents.map(({ name }) => name).join(', ')} is empty`;
        return this.#outcome(row, 'INPUT_INVALID_ARGUMENT', message, contents[0]!.index);
      }
      const cell = inputOf(row.cells[content.index], content);
      const form = content.form === 'input' ? this.#form : content.form === 'url' ? 'url' : 'raw';
      const named = this.#identify(row, cell, form);
      id = named.id;
      if (filled.length > 1) {
        const message = `the row has two inputs, ${content.name} and ${filled[1]!.name}`;
        return this.#outcome(row, 'INPUT_INVALID_ARGUMENT', message, filled[1]!.index, id);
      }
      const item = { ...named, uri: row.uri, ...this.#described(row) };
      if (typeof cell !== 'string') return { ...item, ...kindOf(content), ...bytesOf(cell) };
      if (content.form === 'bytes') return this.#named(row, item, cell.trim(), content);
      if (form === 'raw') return { ...item, kind: 'text', text: cell };
      return form === 'url'
        ? this.#url(row, item, cell.trim(), content)
        : this.#file(row, item, cell.trim(), content);
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      const index = error.cell ?? contents[0]!.index;
      const message = `${error.message}, in the column "${names[index]}"`;
      return this.#outcome(row, 'INPUT_INVALID_ARGUMENT', message, index, id);
    }
  }

  /** The given id, or one of the input and how often it came. */
  #identify(row: TableRow, cell: string | MediaCell, form: CellForm): Pick<SourceItem, 'id' | 'idGiven'> {
    const { id: column } = this.#columns;
    const given = column === undefined ? '' : inCell(column, () => textOf(row.cells[column]));
    if (typeof cell === 'string' || given.trim() !== '')
      return this.#ids.idOf(given, typeof cell === 'string' ? cell : '', form);
    return this.#ids.derived(hash('sha256', cell.value.bytes, 'hex'), cell.path);
  }

  #described({ cells }: TableRow): Partial<SourceItem> {
    const { text } = this.#columns;
    const { concepts, ...fields } = readTableFields(cells, this.#columns, this.#options.geoOrder);
    const words = text === undefined ? '' : inCell(text, () => textOf(cells[text]));
    return {
      ...fields,
      ...(concepts.length > 0 ? { concepts } : {}),
      ...(words === '' ? {} : { text: words }),
    };
  }

  /** A `path` without bytes: Hugging Face datasets whose media lie beside them, or on the web. */
  #named(row: TableRow, item: SourceItem, path: string, content: TableContent): Listed | Promise<Listed> {
    return /^https?:\/\//i.test(path)
      ? this.#url(row, item, path, content)
      : this.#file(row, item, path, content);
  }

  #url(row: TableRow, item: SourceItem, url: string, content: TableContent): Listed {
    if (!isHttpUrl(url)) {
      const message = 'expected an http or https URL';
      return this.#outcome(row, 'INPUT_INVALID_URL', message, content.index, item.id);
    }
    return { ...item, ...kindOf(content), ...urlContent(url, this.#targets.fetchUrl) };
  }

  async #file(row: TableRow, item: SourceItem, path: string, content: TableContent): Promise<Listed> {
    const file = await this.#targets.resolveFile(path);
    if (!('code' in file)) return { ...item, ...kindOf(content), ...file };
    const { code, message, ...values } = file;
    return { ...this.#outcome(row, code, message, content.index, item.id), ...values };
  }

  #outcome(row: TableRow, code: Code, message: string, index: number, id?: string): Listed {
    const cell = shortened(shown(row.cells[index]));
    return outcomeOf(row.uri, 'list', code, {
      ...(id === undefined ? {} : { inputId: id }),
      message: `${row.uri}: ${message} (cell ${JSON.stringify(cell)})`,
      record: { cell },
    });
  }
}

function isFilled({ cells }: TableRow, { index }: TableContent): boolean {
  const value = cells[index];
  if (value === null || value === undefined) return false;
  if (value instanceof BinaryValue || typeof value !== 'object') return String(value).trim() !== '';
  const { bytes, path } = value as { bytes?: unknown; path?: unknown };
  return bytes instanceof BinaryValue || (typeof path === 'string' && path.trim() !== '');
}

/** What a content cell holds: bytes, or a text, which of a media struct is its path. */
function inputOf(value: unknown, { index, form }: TableContent): string | MediaCell {
  if (form !== 'bytes') return inCell(index, () => textOf(value));
  if (value instanceof BinaryValue) return { value, path: '' };
  const { bytes, path } = value as { bytes?: unknown; path?: unknown };
  const name = inCell(index, () => textOf(path));
  return bytes instanceof BinaryValue ? { value: bytes, path: name } : name;
}

/** The bytes are read again when it is the item's turn: thousands of listed items must not hold theirs. */
function bytesOf({ value: { bytes, reread }, path }: MediaCell): Partial<SourceItem> {
  const fileName = posix.basename(path.replaceAll('\\', '/'));
  return {
    size: bytes.length,
    ...(fileName === '' ? {} : { fileName }),
    open: async () => Readable.from([Buffer.from(await reread())], { objectMode: false }),
  };
}

const kindOf = ({ kind }: TableContent): Pick<SourceItem, 'kind'> => (kind === undefined ? {} : { kind });

function shown(value: unknown): string {
  if (value instanceof BinaryValue) return `${value.bytes.length} bytes`;
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(jsonValue(value));
}
