import { CellError } from '../formats/csv/cell-error.ts';
import type { ContentColumn } from '../formats/csv/columns.ts';
import { readFields } from '../formats/csv/fields.ts';
import type { CsvRow, Place, RowReader } from '../formats/csv/row-reader.ts';
import type { Code } from '../model/codes.ts';
import type { Listed, SourceItem } from '../model/contracts.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import type { CellForm } from './cell-form.ts';
import type { ManifestInput } from './manifest-input.ts';
import type { ManifestOptions } from './manifest-options.ts';
import type { ManifestPlan } from './manifest-plan.ts';
import { LOOKED_AT, RowIds, shortened } from './row-identity.ts';
import { isHttpUrl, urlContent } from './urls.ts';

/** A row whose description was read, and the cell that holds its input. */
interface DescribedRow {
  item: SourceItem;
  form: CellForm;
  content: ContentColumn;
  cell: string;
}

/** Makes an item or an outcome of each row of a manifest. Rows are handed in in order, each once. */
export class RowLister {
  /** Whether rows must be listed with `listFile`. */
  readonly looksUpFiles: boolean;
  readonly #reader: RowReader;
  readonly #plan: ManifestPlan;
  readonly #input: ManifestInput;
  readonly #options: ManifestOptions;
  readonly #ids: RowIds;

  constructor(reader: RowReader, plan: ManifestPlan, input: ManifestInput, options: ManifestOptions) {
    this.#reader = reader;
    this.#plan = plan;
    this.#input = input;
    this.#options = options;
    this.#ids = new RowIds(options.idPrefix);
    this.looksUpFiles = plan.csvType === 'file';
  }

  /** `index`: the row's place in the block that the reader gave last. */
  list(row: CsvRow, index: number): Listed {
    const described = this.#describe(row, index);
    if ('outcome' in described) return described;
    const { item, form, content, cell } = described;
    if (form === 'raw') return { ...item, kind: 'text', text: cell };
    const url = cell.trim();
    if (!isHttpUrl(url)) {
      return this.#cellOutcome(
        row,
        index,
        'INPUT_INVALID_URL',
        'expected an http or https URL',
        content.index,
        item.id,
      );
    }
    return {
      ...item,
      ...(content.kind === undefined ? {} : { kind: content.kind }),
      ...urlContent(url, this.#input.fetchUrl),
    };
  }

  /** `list` for rows that name files, which are looked up; the block must stay until the answer is there. */
  async listFile(row: CsvRow, index: number): Promise<Listed> {
    const described = this.#describe(row, index);
    const column = this.#plan.columns.contents[0]!.index;
    const cell = row.cells[column] ?? '';
    if ('outcome' in described) {
      // The file is this row's also when the row is refused: whoever lists the other files must know.
      if (cell.trim() !== '') await this.#input.resolveFile(cell.trim());
      return described;
    }
    const { item } = described;
    const file = await this.#input.resolveFile(cell.trim());
    if (!('code' in file)) return { ...item, ...file };
    const { code, message, ...values } = file;
    return { ...this.#cellOutcome(row, index, code, message, column, item.id), ...values };
  }

  #describe(row: CsvRow, index: number): DescribedRow | Outcome {
    const { columns, csvType } = this.#plan;
    if (row.fault !== undefined) return this.#faultOutcome(row, index);
    const { cells } = row;
    const filled = columns.contents.filter((content) => (cells[content.index] ?? '').trim() !== '');
    const content = filled[0];
    if (content === undefined) {
      const wanted = columns.contents.map(({ name }) => name).join(', ');
      const at = columns.contents[0]!.index;
      return this.#cellOutcome(
        row,
        index,
        'INPUT_INVALID_ARGUMENT',
        `the row has no input: ${wanted} is empty`,
        at,
      );
    }
    const cell = cells[content.index]!;
    const form = content.form === 'input' ? csvType : content.form === 'url' ? 'url' : 'raw';
    const id = this.#ids.idOf(cells[columns.id ?? -1] ?? '', cell, form);
    if (filled.length > 1) {
      const message = `the row has two inputs, ${content.name} and ${filled[1]!.name}`;
      return this.#cellOutcome(row, index, 'INPUT_INVALID_ARGUMENT', message, filled[1]!.index, id.id);
    }
    try {
      const { concepts, ...fields } = readFields(cells, columns, this.#options.geoOrder);
      const item = { ...id, uri: this.#uriOf(row), ...fields, ...(concepts.length > 0 ? { concepts } : {}) };
      return { item, form, content, cell };
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      const { message, cell: at = 0, offset } = error;
      return this.#cellOutcome(row, index, 'INPUT_INVALID_ARGUMENT', message, at, id.id, offset);
    }
  }

  #faultOutcome(row: CsvRow, index: number): Outcome {
    const { message, measured, limit, lastLine, ...place } = row.fault!;
    const outcome = this.#outcome(
      row,
      'CSV_ROW_INVALID',
      place,
      message,
      this.#reader.excerpt(index, LOOKED_AT),
    );
    return {
      ...outcome,
      ...(lastLine === undefined ? {} : { record: { ...outcome.record, lastLine } }),
      ...(measured === undefined ? {} : { measured }),
      ...(limit === undefined ? {} : { limit }),
    };
  }

  #cellOutcome(
    row: CsvRow,
    index: number,
    code: Code,
    message: string,
    cell: number,
    id?: string,
    offset?: number,
  ): Outcome {
    const place = this.#reader.placeOf(index, cell, offset);
    return this.#outcome(row, code, place, message, row.cells[cell] ?? '', id);
  }

  #outcome(
    row: CsvRow,
    code: Code,
    { line, column }: Place,
    message: string,
    cell: string,
    id?: string,
  ): Outcome {
    const shown = shortened(cell);
    return outcomeOf(this.#uriOf(row), 'list', code, {
      ...(id === undefined ? {} : { inputId: id }),
      message: `${this.#input.uri}:${line}:${column}: ${message} (cell ${JSON.stringify(shown)})`,
      record: { line: row.line, cell: shown },
    });
  }

  #uriOf({ line }: CsvRow): string {
    return `${this.#input.uri}#L${line}`;
  }
}
