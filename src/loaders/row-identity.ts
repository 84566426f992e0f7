import { KeyCounter } from '../io/key-counter.ts';
import { redactUrl } from '../io/redact.ts';
import type { SourceItem } from '../model/contracts.ts';
import { deriveId } from '../model/ids.ts';
import type { CellForm } from './cell-form.ts';

/** Most characters of a cell that a message shows. */
const SHOWN = 80;
/** Most characters of a text that the readable part of its id is made of. */
const READABLE = 32;
/** Most characters that are looked at for secrets before they are shortened to `SHOWN`. */
export const LOOKED_AT = 2000;

/** The ids of rows. Rows are handed in in order, each once. */
export class RowIds {
  readonly #prefix: string;
  readonly #occurrences = new KeyCounter();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The given id as it stands, or one of the input cell and how often it came: never of the row's number. */
  idOf(given: string, cell: string, form: CellForm): Pick<SourceItem, 'id' | 'idGiven'> {
    if (given.trim() !== '') return { id: given, idGiven: true };
    const input = form === 'raw' ? cell : cell.trim();
    return this.derived(input, readableOf(input, form));
  }

  /** An id made of what tells the row from all others of another input. */
  derived(input: string, readable: string): Pick<SourceItem, 'id'> {
    const occurrence = this.#occurrences.next(input);
    const key = occurrence === 1 ? input : `${input}\0${occurrence}`;
    return { id: deriveId(key, readable, this.#prefix) };
  }
}

/** What people may see of an input in its id; of a URL the file's name alone, as all else may hold secrets. */
function readableOf(input: string, form: CellForm): string {
  if (form === 'url' || /^[a-z][a-z0-9+.-]+:\/\//i.test(input)) {
    return URL.canParse(input) ? new URL(input).pathname.split('/').at(-1)! : '';
  }
  return form === 'raw' ? input.slice(0, READABLE).replace(/[/\\.]/g, ' ') : input.slice(-SHOWN);
}

/** The beginning of a cell, without the secrets that URLs carry. */
export function shortened(cell: string): string {
  const safe = cell.slice(0, LOOKED_AT).replace(/https?:\/\/[^\s,;|"'<>]+/gi, (url) => redactUrl(url));
  return safe.length > SHOWN ? `${safe.slice(0, SHOWN)}…` : safe;
}
