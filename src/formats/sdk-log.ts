import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import type { Concept, Metadata } from '../model/labels.ts';
import { parsePythonDict } from './csv/python-dict.ts';

/**
 * A row of a table in the official Python SDK's `Dataset_Upload<seconds>.log` (clarifai-python, `client/dataset.py`,
 * printed with tabulate's `grid`).
 */
export interface SdkLogRow {
  /** Of the row's first line in the log, from 1. */
  line: number;
  /** Position in the data loader, from 0. The id is not what finds an item: it has the dataset's id before it. */
  index: number;
  inputId: string;
  /** `status.details` of the platform. */
  status: string;
  isDuplicate: boolean;
  /** The image's path, or the text itself; undefined where the loader has none. */
  input: string | undefined;
  concepts: Concept[];
  metadata: Metadata | undefined;
}

/** Inputs that the log counts and does not name: a request that failed as a whole has a table of no rows. */
export interface SdkLogGap {
  line: number;
  missing: number;
  reason: string;
}

export const isGap = (entry: SdkLogRow | SdkLogGap): entry is SdkLogGap => 'missing' in entry;

const DUPLICATE = 'Input has a duplicate ID.';
/** `Failed to upload 3 inputs due to duplicate IDs in current batch 1:`, or `… in current batch 1 due to …`. */
const ANNOUNCEMENT = /^Failed to upload (?<count>\d+) inputs (?<reason>.*)$/;
const RULE = /^\+(?:[-=:]+\+)+$/;
const HEADER = ['Index', 'Input ID', 'Status'];

/** Every row of every table, and what the tables lack, in the order of the log. A row may be there more than once. */
export async function* readSdkLog(path: string): AsyncGenerator<SdkLogRow | SdkLogGap> {
  const reader = new TableReader();
  let number = 0;
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const coloured of lines) {
    number++;
    // The console's formatter colours the record before the file's handler writes it.
    yield* reader.take(stripVTControlCharacters(coloured), number);
  }
  yield* reader.end();
}

/** Gathers the lines between two rules of a table into a row; a cell may have several lines. */
class TableReader {
  #announced: { line: number; left: number; reason: string } | undefined;
  #columns: number[] | undefined;
  #cells: string[][] = [];
  #row = 0;

  *take(text: string, line: number): Generator<SdkLogRow | SdkLogGap> {
    const announced = ANNOUNCEMENT.exec(text)?.groups;
    if (announced !== undefined) {
      yield* this.end();
      this.#announced = { line, left: Number(announced['count']), reason: announced['reason']! };
    } else if (RULE.test(text)) {
      yield* this.#closeRow();
      this.#columns = [...text.matchAll(/\+/g)].map(({ index }) => index);
    } else if (text.startsWith('|') && this.#columns !== undefined) {
      if (this.#cells.length === 0) this.#row = line;
      this.#cells.push(cellsOf(text, this.#columns));
    } else if (text.trim() === '') {
      this.#columns = undefined;
    }
  }

  *end(): Generator<SdkLogRow | SdkLogGap> {
    yield* this.#closeRow();
    const announced = this.#announced;
    this.#announced = undefined;
    if (announced !== undefined && announced.left > 0) {
      yield { line: announced.line, missing: announced.left, reason: announced.reason };
    }
  }

  *#closeRow(): Generator<SdkLogRow> {
    const lines = this.#cells;
    this.#cells = [];
    if (lines.length === 0) return;
    const cells = lines[0]!.map((_, i) =>
      lines
        .map((cellsOfLine) => cellsOfLine[i] ?? '')
        .join('\n')
        .trimEnd(),
    );
    if (HEADER.every((name, i) => cells[i] === name)) return;
    const row = rowOf(cells, this.#row);
    if (row === undefined) return;
    if (this.#announced !== undefined) this.#announced.left--;
    yield row;
  }
}

function rowOf(
  [index, inputId, status, input, labels, metadata]: string[],
  line: number,
): SdkLogRow | undefined {
  if (index === undefined || !/^\d+$/.test(index) || metadata === undefined) return undefined;
  return {
    line,
    index: Number(index),
    inputId: inputId ?? '',
    status: status ?? '',
    isDuplicate: status === DUPLICATE,
    input: input === '' ? undefined : input,
    concepts: conceptsOf(labels ?? ''),
    metadata: metadataOf(metadata),
  };
}

/** By the places of the rule above, for a cell may hold `|`; wide characters move the places, hence the second way. */
function cellsOf(text: string, columns: readonly number[]): string[] {
  const fits = columns.every((at) => text[at] === '|');
  const cells = fits
    ? columns.slice(1).map((end, i) => text.slice(columns[i]! + 1, end))
    : text.slice(1, text.lastIndexOf('|')).split(' | ', columns.length - 1);
  return cells.map((cell) => cell.trim());
}

/** A list of labels as Python prints it, or a single label; a cell that was cut is no label at all. */
function conceptsOf(cell: string): Concept[] {
  const labels = literal(cell);
  const names = Array.isArray(labels) ? labels : cell === '' ? [] : [labels ?? cell];
  return [...new Set(names.map(String))]
    .filter((name) => name !== '')
    .map((name) => ({ id: name, name, value: 1 }));
}

function metadataOf(cell: string): Metadata | undefined {
  const value = literal(cell);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Metadata)
    : undefined;
}

function literal(cell: string): unknown {
  try {
    return parsePythonDict(cell);
  } catch {
    return undefined;
  }
}
