import { existsSync } from 'node:fs';
import { JsonlWriter, readJsonlBlocks } from '../io/jsonl.ts';
import { KeyTable } from '../io/key-table.ts';
import { isOutcome, type Listed, type Loader } from '../model/contracts.ts';
import { type Outcome, outcomeOf, type Stage } from '../model/outcome.ts';
import { filteredLoader } from './filtered-loader.ts';

/** Which lines of a failures file a retry takes up. */
export interface SelectionFilter {
  stage?: Stage | undefined;
  code?: string | undefined;
  /** Also what was rejected; by default only what failed and may succeed when tried again. */
  rejected?: boolean | undefined;
  /** Also duplicates; they are stored under a new id. */
  retryDuplicates?: boolean | undefined;
}

const WAITING = 1;
const TAKEN = 2;
/** A folder or archive that could not be opened then and can be now: everything in it is taken. */
const OPENED = 3;
/** A line that was taken for part of a broken CSV record, and may be a row once that is corrected. */
const PERHAPS = 4;

/** The selected lines of a failures file: on disk, with a flat table that knows which were met in the source again. */
export class Selection {
  readonly #states = new KeyTable();
  /** Whether there may be folders or archives among the selected: those have no id. */
  #hasContainers = false;
  /** Whether there are rows among the selected that were too broken to have an id. */
  #hasBrokenRows = false;
  /** The ids that the earlier run listed; needed only to tell corrected rows from those that merely moved. */
  readonly #earlier = new KeyTable({ values: false });
  /** Rows that are new since, beyond those on a selected line: a corrected one is among them when lines moved. */
  #newRows = 0;

  /** Copies the selected lines of a failures file to `path`. An item that failed twice is selected once. */
  static async make(failures: string, filter: SelectionFilter, path: string): Promise<Selection> {
    const selection = new Selection();
    const writer = new JsonlWriter(path, 'selection');
    try {
      for await (const block of readJsonlBlocks<Outcome>(failures, { type: 'failures' })) {
        for (const line of block) {
          if (!matches(line, filter) || !selection.#add(line)) continue;
          writer.append(line);
        }
      }
      await writer.flush({ sync: true });
    } finally {
      writer.close();
    }
    return selection;
  }

  /** Of a retry that is being resumed. */
  static async read(path: string): Promise<Selection> {
    const selection = new Selection();
    for await (const block of readJsonlBlocks<Outcome>(path, { type: 'selection' })) {
      for (const line of block) selection.#add(line);
    }
    return selection;
  }

  /** Returns false when the same item was added before. */
  #add(line: Outcome): boolean {
    this.#hasContainers ||= line.inputId === undefined;
    this.#hasBrokenRows ||= line.inputId === undefined && isRow(line.uri);
    for (const uri of furtherLines(line)) {
      if (!this.#states.has(byUri(uri))) this.#states.set(byUri(uri), PERHAPS);
    }
    return this.#states.set(keyOf(line), WAITING);
  }

  /** Reads the ids of the earlier run where a selected row can be found by its line only, which others may be on now. */
  async knowEarlier(ledger: string): Promise<void> {
    if (!this.#hasBrokenRows || !existsSync(ledger)) return;
    for await (const block of readJsonlBlocks<Outcome>(ledger, { type: 'ledger' })) {
      for (const { inputId } of block) if (inputId !== undefined) this.#earlier.set(inputId);
    }
  }

  /** A loader that lists what was selected, and an outcome for what the source no longer has. `path`: its lines. */
  narrow(loader: Loader, path: string): Loader {
    return filteredLoader(
      loader,
      (listed) => this.#take(listed),
      () => this.#missing(path),
    );
  }

  /** Whether a listed entry was selected; each line is taken once. */
  #take(listed: Listed): boolean {
    const { uri } = listed;
    const id = isOutcome(listed) ? listed.inputId : listed.id;
    const isOldRow = id !== undefined && isRow(uri) && this.#earlier.has(id);
    const ofId = id === undefined ? [] : [byBoth(id, uri), byId(id)];
    for (const key of isOldRow ? ofId : [...ofId, byUri(uri)]) {
      const state = this.#states.get(key);
      if (state !== WAITING && state !== PERHAPS) continue;
      this.#states.set(key, TAKEN);
      return true;
    }
    if (this.#hasBrokenRows && isRow(uri) && id !== undefined && !isOldRow) {
      this.#newRows++;
      return true;
    }
    return this.#hasContainers && this.#takeInside(uri);
  }

  #takeInside(uri: string): boolean {
    for (const container of containersOf(uri)) {
      const key = byUri(container);
      const state = this.#states.get(key);
      if (state !== WAITING && state !== OPENED) continue;
      this.#states.set(key, OPENED);
      return true;
    }
    return false;
  }

  /** An outcome for each selected line that the source no longer has. */
  async *#missing(path: string): AsyncGenerator<Outcome> {
    for await (const block of readJsonlBlocks<Outcome>(path, { type: 'selection' })) {
      for (const line of block) {
        if (this.#states.get(keyOf(line)) !== WAITING) continue;
        if (line.inputId === undefined && isRow(line.uri) && this.#newRows-- > 0) continue;
        yield outcomeOf(line.uri, 'list', 'INPUT_NOT_FOUND', {
          ...(line.inputId === undefined ? {} : { inputId: line.inputId }),
          message: `${line.uri} was selected for the retry, but the source no longer lists it`,
          ...(line.record === undefined ? {} : { record: line.record }),
        });
      }
    }
  }
}

/** Whether a retry takes up the line. */
export function matches(line: Outcome, filter: SelectionFilter): boolean {
  if (filter.stage !== undefined && line.stage !== filter.stage) return false;
  if (filter.code !== undefined && line.code !== filter.code) return false;
  // Labels that are left over are no item that a source could list; once corrected they are ingested again.
  if (line.stage === 'annotate' && line.inputId === undefined) return false;
  if (line.code === 'INPUT_DUPLICATE') return filter.retryDuplicates === true;
  return line.outcome === 'failed' || filter.rejected === true;
}

/**
 * What finds the item again: its id, because a row keeps it when others move; for a duplicate also its uri, because
 * the id alone means the item that won; for what has no id, its uri.
 */
function keyOf(line: Outcome): string {
  if (line.inputId === undefined) return byUri(line.uri);
  return line.code === 'INPUT_DUPLICATE' ? byBoth(line.inputId, line.uri) : byId(line.inputId);
}

const isRow = (uri: string): boolean => /#[LR]\d+(?:#\d+)?$/.test(uri);

const byId = (id: string): string => `i${id}`;
const byUri = (uri: string): string => `u${uri}`;
const byBoth = (id: string, uri: string): string => `b${id}\n${uri}`;

/** The uris of the folders and the archive that an entry lies in: `a/`, `a/x.zip` and so on of `a/x.zip!/b.txt`. */
function* containersOf(uri: string): Generator<string> {
  for (let at = uri.indexOf('/'); at >= 0; at = uri.indexOf('/', at + 1)) {
    yield uri.slice(0, uri[at - 1] === '!' ? at - 1 : at + 1);
  }
}

/** The uris that the lines of a broken CSV record have as rows, but for its first line. */
function* furtherLines({ uri, record }: Outcome): Generator<string> {
  const { line, lastLine } = record ?? {};
  if (typeof line !== 'number' || typeof lastLine !== 'number') return;
  const file = uri.slice(0, uri.lastIndexOf('#L'));
  for (let n = line + 1; n <= lastLine; n++) yield `${file}#L${n}`;
}
