import { isGap, readSdkLog, type SdkLogRow } from '../formats/sdk-log.ts';
import { isOutcome, type Listed, type Loader } from '../model/contracts.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { filteredLoader } from './filtered-loader.ts';

type Row = Pick<SdkLogRow, 'line' | 'index' | 'inputId' | 'input'>;

/**
 * Narrows a source to the inputs that an upload log of the official Python SDK names as failed.
 *
 * The log knows an input by its position in the data loader and by its path or text. Positions depend on the order in
 * which that loader listed the source, so the path or text decides, and the position only between equal ones. Each
 * line of the log without an item is an outcome. Memory grows with the failures in the log, not with the source.
 */
export async function selectedByLog(
  loader: Loader,
  log: string,
  { duplicates }: { duplicates: boolean },
): Promise<Loader> {
  const rows = new Map<number, Row>();
  const byInput = new Map<string, Row[]>();
  const gaps: Outcome[] = [];
  for await (const entry of readSdkLog(log)) {
    if (isGap(entry)) gaps.push(gapOf(entry.line, entry.missing, entry.reason));
    else if ((duplicates || !entry.isDuplicate) && !rows.has(entry.index)) {
      const { line, index, inputId, input } = entry;
      rows.set(index, { line, index, inputId, input });
      if (input !== undefined)
        byInput.set(keyOf(input), [...(byInput.get(keyOf(input)) ?? []), rows.get(index)!]);
    }
  }
  let position = -1;
  const take = (listed: Listed): boolean => {
    if (isOutcome(listed)) return false;
    position++;
    const candidates = candidatesOf(listed.text, listed.uri).flatMap((key) => byInput.get(key) ?? []);
    const waiting = candidates.filter(({ index }) => rows.has(index));
    const row = waiting.find(({ index }) => index === position) ?? waiting[0] ?? unnamed(rows.get(position));
    if (row === undefined) return false;
    rows.delete(row.index);
    return true;
  };
  return filteredLoader(loader, take, async function* () {
    for (const row of rows.values()) yield unmatched(row);
    yield* gaps;
  });
}

/** A row with neither path nor text can be found by its position alone. */
const unnamed = (row: Row | undefined): Row | undefined => (row?.input === undefined ? row : undefined);

/** Texts as the log prints them; of a path the last part, for the log has it from where the upload ran. */
const keyOf = (input: string): string => {
  const text = input.trim().replace(/\s+/g, ' ').normalize('NFC');
  return /\s/.test(text) ? text : lastPart(text);
};

function candidatesOf(text: string | undefined, uri: string): string[] {
  return [...(text === undefined ? [] : [keyOf(text)]), lastPart(uri.normalize('NFC'))];
}

const lastPart = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

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
