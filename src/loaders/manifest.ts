import { addAbortSignal, type Readable } from 'node:stream';
import { RecordCutter } from '../formats/csv/cutter.ts';
import { cuttable } from '../formats/csv/encoding.ts';
import { readPreface } from '../formats/csv/preface.ts';
import { RowReader } from '../formats/csv/row-reader.ts';
import { errnoOf } from '../io/disk-errors.ts';
import type { Code } from '../model/codes.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { asError, FatalError, SluiceError } from '../model/errors.ts';
import { CountedSource } from './counted-source.ts';
import type { ManifestInput } from './manifest-input.ts';
import type { ManifestOptions } from './manifest-options.ts';
import { ignoredColumns, type ManifestPlan, planManifest } from './manifest-plan.ts';
import { RowLister } from './manifest-rows.ts';

export type { ManifestInput, Refusal, ResolvedFile } from './manifest-input.ts';
export type { ManifestOptions } from './manifest-options.ts';

/** Bytes that are looked at to tell encoding, delimiter, columns and the type of the cells. */
export const PREFACE_BYTES = 256 * 1024;
/** How many rows ahead files are looked up; their order is kept. */
const AHEAD = 64;

/** Whether a file is a CSV with a header that `listManifest` knows. `head` is its beginning. */
export function looksLikeManifest(head: Buffer, fileName: string): boolean {
  try {
    return (
      /\.[ct]sv$/i.test(fileName) && readPreface(head, fileName, { complete: true }).columns !== undefined
    );
  } catch (error) {
    if (error instanceof FatalError) return false;
    throw error;
  }
}

/**
 * Lists the rows of a CSV or TSV: one item or outcome a row, in order, in bounded memory.
 *
 * Throws FatalError SOURCE_UNRECOGNISED when it is no text or has no known header, CONFIG_INVALID when an option
 * cannot be used, SOURCE_NOT_FOUND when it cannot be opened.
 */
export async function* listManifest(
  input: ManifestInput,
  options: ManifestOptions,
  ctx: Context,
): AsyncGenerator<Listed, ListingProof, void> {
  const stream = await openManifest(input);
  addAbortSignal(ctx.signal, stream);
  const source = new CountedSource(stream, input.size);
  try {
    const plan = await planManifest(await source.peek(PREFACE_BYTES), source.ended, input, options);
    warn(plan, input.uri, ctx);
    const rows = yield* listRows(source, plan, input, options, ctx);
    return {
      complete: true,
      evidence: `all ${source.bytes} bytes of ${input.uri} were read: ${rows} rows`,
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    // A stream that breaks has a system error code or one of ours; everything else is a bug and must be seen.
    if (error instanceof FatalError || (errnoOf(error) === undefined && !(error instanceof SluiceError)))
      throw error;
    const reason = asError(error).message;
    return { complete: false, reason: `reading ${input.uri} failed after ${source.bytes} bytes: ${reason}` };
  } finally {
    stream.destroy();
  }
}

/** Yields the rows and returns how many there were. */
async function* listRows(
  source: CountedSource,
  plan: ManifestPlan,
  input: ManifestInput,
  options: ManifestOptions,
  ctx: Context,
): AsyncGenerator<Listed, number, void> {
  const { encoding, delimiter, columns } = plan;
  const { maxRecordBytes } = options;
  const cutter = new RecordCutter(cuttable(source, encoding), { delimiter, maxRecordBytes });
  const reader = new RowReader(cutter, { encoding, delimiter, maxRecordBytes });
  const lister = new RowLister(reader, plan, input, options);
  await reader.read(1);
  reader.columns = columns;
  let count = 0;
  for (let rows = await reader.read(); rows !== undefined; rows = await reader.read()) {
    ctx.signal.throwIfAborted();
    count += rows.length;
    if (!lister.looksUpFiles) {
      for (let i = 0; i < rows.length; i++) yield lister.list(rows[i]!, i);
      continue;
    }
    const pending: Promise<Listed>[] = [];
    for (let i = 0; i < rows.length + AHEAD; i++) {
      if (i < rows.length) {
        const looking = lister.listFile(rows[i]!, i);
        // It is awaited in its turn; until then a rejection must not count as unhandled.
        looking.catch(() => {});
        pending.push(looking);
      }
      if (i >= AHEAD && pending.length > 0) yield await pending.shift()!;
    }
  }
  return count;
}

async function openManifest(input: ManifestInput): Promise<Readable> {
  try {
    return await input.open();
  } catch (error) {
    if (error instanceof FatalError) throw error;
    const message = `${input.uri} cannot be opened: ${asError(error).message}`;
    throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
  }
}

function warn({ encoding, columns }: ManifestPlan, file: string, { logger }: Context): void {
  if (encoding.name !== 'utf-8' && encoding.how !== 'forced') {
    const fields = { code: 'ENCODING_DETECTED' satisfies Code, file, encoding: encoding.name };
    logger.warn(fields, `${file} is not UTF-8; it is read as ${encoding.name}`);
  }
  if (columns.ignored.length > 0)
    logger.warn(
      { file, columns: columns.ignored },
      `${file}: columns that are not read: ${ignoredColumns(columns)}`,
    );
}
