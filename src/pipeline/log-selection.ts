import { isGap, readSdkLog, type SdkLogRow } from '../formats/sdk-log.ts';
import { isOutcome, type Listed, type Loader, type SourceItem } from '../model/contracts.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { filteredLoader } from './filtered-loader.ts';

type Row = Pick<SdkLogRow, 'line' | 'index' | 'inputId' | 'input'>;

/** Longer than any path; what is longer is a text. */
const LONGEST_PATH = 4096;

/**
 * Narrows a source to the inputs that an upload log of the official Python SDK names as failed.
 *
 * The log knows an input by its position in the data loader and by its path or text. Positions depend on the order in
 * which that loader listed the source, so the path or text decides, and the position only between equal ones. The log
 * has a path from where the upload ran: it and the path in the source are the same when one is the end of the other.
 * Each line of the log without an item is an outcome. Memory grows with the failures in the log, not with the source.
 */
export async function selectedByLog(
  loader: Loader,
  log: string,
  { duplicates }: { duplicates: boolean },
): Promise<Loader> {
  const rows = new Map<number, Row>();
  const byInput = new Waiting();
  const byEnding = new Waiting();
  const gaps: Outcome[] = [];
  for await (const entry of readSdkLog(log)) {
    if (isGap(entry)) gaps.push(gapOf(entry.line, entry.missing, entry.reason));
    else if ((duplicates || !entry.isDuplicate) && !rows.has(entry.index)) {
      const { line, index, inputId, input } = entry;
      const row = { line, index, inputId, input };
      rows.set(index, row);
      if (input === undefined) continue;
      byInput.add(normal(input), row);
      for (const ending of endingsOf(normal(input))) byEnding.add(ending, row);
    }
  }
  let position = -1;
  const take = (listed: Listed): boolean => {
    if (isOutcome(listed)) return false;
    position++;
    const here = rows.get(position);
    const row = here !== undefined && isAbout(here, listed) ? here : firstFor(listed);
    if (row === undefined) return false;
    rows.delete(row.index);
    return true;
  };
  const firstFor = (item: SourceItem): Row | undefined => {
    const isLeft = ({ index }: Row) => rows.has(index);
    for (const name of namesOf(item)) {
      const found = byInput.first(name, isLeft) ?? byEnding.first(name, isLeft);
      if (found !== undefined) return found;
      for (const ending of endingsOf(name)) {
        const shorter = byInput.first(ending, isLeft);
        if (shorter !== undefined) return shorter;
      }
    }
    return undefined;
  };
  return filteredLoader(loader, take, async function* () {
    for (const row of rows.values()) yield unmatched(row);
    yield* gaps;
  });
}

/** Rows by what they are known by; many may be known by the same, and each is met once. */
class Waiting {
  readonly #rows = new Map<string, { rows: Row[]; next: number }>();

  add(name: string, row: Row): void {
    const waiting = this.#rows.get(name);
    if (waiting === undefined) this.#rows.set(name, { rows: [row], next: 0 });
    else waiting.rows.push(row);
  }

  /** The first row of that name that is left; those before it never are again. */
  first(name: string, isLeft: (row: Row) => boolean): Row | undefined {
    const waiting = this.#rows.get(name);
    if (waiting === undefined) return undefined;
    const { rows } = waiting;
    while (waiting.next < rows.length && !isLeft(rows[waiting.next]!)) waiting.next++;
    return rows[waiting.next];
  }
}

/** Whether the row at an item's position is that item's: a row with neither path nor text has only its position. */
function isAbout({ input }: Row, item: SourceItem): boolean {
  if (input === undefined) return true;
  const logged = normal(input);
  return namesOf(item).some(
    (name) => name === logged || name.endsWith(`/${logged}`) || logged.endsWith(`/${name}`),
  );
}

/** What the log may call an item: its text, its path in the source or in the archive, its file, its URL. */
function namesOf({ text, uri, file, url }: SourceItem): string[] {
  const inArchive = uri.lastIndexOf('!/');
  const path = inArchive < 0 ? uri : uri.slice(inArchive + 2);
  return [text, path, typeof file === 'string' ? file : undefined, url].flatMap((name) =>
    name === undefined ? [] : [normal(name)],
  );
}

/** As the log prints it: white space is one space; separators of Windows are those of a uri. */
const normal = (name: string): string =>
  name.trim().replace(/\s+/g, ' ').normalize('NFC').replaceAll('\\', '/');

/** Of `a/b/c.jpg`: `b/c.jpg` and `c.jpg`. */
function* endingsOf(path: string): Generator<string> {
  if (path.length > LONGEST_PATH) return;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) yield path.slice(at + 1);
}

const unmatched = ({ line, index, inputId, input }: Row): Outcome =>
  outcomeOf(`#L${line}`, 'list', 'LOG_LINE_UNMATCHED', {
    inputId,
    message: `line ${line} of the log, ${inputId} (index ${index}): no item of the source ${input === undefined ? 'has that position' : `is ${input}`}`,
    record: { index, input },
  });

const gapOf = (line: number, missing: number, reason: string): Outcome =>
  outcomeOf(`#L${line}`, 'list', 'LOG_LINE_UNMATCHED', {
    message: `${missing} inputs failed ${reason}, and the log does not name them; ingest the source again, what is stored will be skipped`,
    measured: missing,
  });
