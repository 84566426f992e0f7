import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder } from '../../io/atomic.ts';
import { errnoOf } from '../../io/disk-errors.ts';
import type { Context } from '../../model/contracts.ts';
import type { ExportResult, ExportSource, ExportTarget } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import { KINDS } from '../../model/kind.ts';
import type { Outcome } from '../../model/outcome.ts';
import { failedOutcome, inputOutcome } from '../input-outcome.ts';
import { copyMedia } from '../media-copy.ts';
import { Tally, tallyShape } from '../tally.ts';
import { writtenFiles } from '../written-files.ts';
import { MEDIA_FOLDER, MediaCells } from './cells.ts';
import { type Column, inputColumns, type MediaMode, type Row } from './columns.ts';
import { EarlierTables } from './earlier-tables.ts';
import { compareIds, type Merged, mergeById } from './merge.ts';
import { annotationRow, inputRow } from './rows.ts';
import { type Rows, Shards, shardName } from './shards.ts';

interface TableOptions {
  media: MediaMode;
  maxShardSize: number;
  update?: string | undefined;
}

/** Written whenever a pair of files is whole: `after` is the last id in it, `shard` the number of the next one. */
const checkpointShape = z.strictObject({
  after: z.string().optional(),
  shard: z.int().min(0),
  tally: tallyShape,
});

/**
 * The tables in pairs of files of about `maxShardSize`: the annotations of the inputs of a file are in the file of the
 * same number. A killed export goes on at the pair that it was writing.
 */
export async function* writeParquetTables(
  source: ExportSource,
  target: ExportTarget,
  { media, maxShardSize, update }: TableOptions,
  ctx: Context,
): AsyncGenerator<Outcome, ExportResult, void> {
  const earlier = update === undefined ? undefined : await EarlierTables.open(update);
  const saved = checkpointShape.safeParse(target.checkpoint).data;
  const tally = new Tally([], saved?.tally);
  const cells = await MediaCells.create(source, target.path, media);
  const shards = new Shards(target.path, columnsOf(source, media, earlier), maxShardSize, saved?.shard ?? 0);
  let after = saved?.after;
  const save = async () => {
    await shards.finish();
    await syncFolder(target.path);
    await target.save({ ...(after === undefined ? {} : { after }), shard: shards.next, tally: tally.state });
  };
  try {
    for await (const merged of listed(source, earlier, ctx)) {
      ctx.signal.throwIfAborted();
      const { id, input } = merged;
      if (saved?.after !== undefined && compareIds(id, saved.after) <= 0) {
        if (input !== undefined) await restored(cells, input);
        continue;
      }
      const { rows, outcome, isNew } = await rowsOf(merged, cells);
      if (rows !== undefined) {
        if (!shards.fits(rows)) await save();
        if (!isNew) await keepFile(rows.input, update!, target.path);
        await shards.add(rows);
      }
      if (isNew) tally.annotations(input!.annotations.length);
      if (outcome !== undefined) yield outcome;
      after = id;
    }
    if (shards.next === 0) await shards.begin();
    await save();
    await nameLoneFiles(target.path, shards.next);
    return { files: await writtenFiles(target.path), ...tally.result };
  } finally {
    await shards.abandon();
  }
}

async function* listed(
  source: ExportSource,
  earlier: EarlierTables | undefined,
  { signal }: Context,
): AsyncGenerator<Merged> {
  if (earlier !== undefined) yield* mergeById(earlier.rows(signal), source.inputs());
  else for await (const input of source.inputs()) yield { id: input.id, input };
}

/** An input whose bytes are gone since has its outcome already. */
async function restored(cells: MediaCells, input: Input): Promise<void> {
  try {
    await cells.restore(input);
  } catch (error) {
    failedOutcome(input, error);
  }
}

interface Made {
  rows?: Rows;
  /** None of what this version does not have. */
  outcome?: Outcome;
  /** Whether the rows are the version's, and not those that were there. */
  isNew: boolean;
}

/** What an id becomes in the tables; of an input whose bytes are gone nothing new, so what there was stays. */
async function rowsOf({ input, earlier }: Merged, cells: MediaCells): Promise<Made> {
  const old = earlier === undefined ? {} : { rows: { input: earlier.row, annotations: earlier.annotations } };
  if (input === undefined) return { ...old, isNew: false };
  try {
    const row = inputRow(input, await cells.of(input));
    const annotations = new Map(earlier?.annotations.map((each) => [each.annotation_id, each]));
    for (const each of input.annotations) annotations.set(each.id, annotationRow(input.id, each));
    const rows = { input: row, annotations: [...annotations.values()] };
    return { rows, outcome: inputOutcome(input, 'EXPORTED'), isNew: true };
  } catch (error) {
    return { ...old, outcome: failedOutcome(input, error), isNew: false };
  }
}

/** The columns for the kinds of the version and, of an export that is updated, for those that it has. */
function columnsOf(source: ExportSource, media: MediaMode, earlier: EarlierTables | undefined): Column[] {
  const { inputsByKind } = source.version;
  const kinds = KINDS.filter(
    (kind) => (inputsByKind[kind] ?? 0) > 0 || earlier?.columns.has(`${kind}_url`) === true,
  );
  const hadMedia = KINDS.some((kind) => kind !== 'text' && earlier?.columns.has(kind) === true);
  return inputColumns(kinds, media === 'none' && hadMedia ? 'files' : media);
}

/** A row that stays may name a file beside its table. */
async function keepFile(row: Row, from: string, to: string): Promise<void> {
  const media = row[row.kind as string] as { bytes: unknown; path: string } | null | undefined;
  if (media === null || media === undefined || media.bytes !== null) return;
  if (!/^media\/[^/\\]+$/.test(media.path)) return;
  await mkdir(join(to, MEDIA_FOLDER), { recursive: true });
  await copyMedia({ path: join(from, media.path), bytes: row.bytes as number }, join(to, media.path));
}

/** The two tables of a small export need no numbers. */
async function nameLoneFiles(folder: string, shards: number): Promise<void> {
  if (shards !== 1) return;
  for (const table of ['inputs', 'annotations']) {
    try {
      await rename(join(folder, shardName(table, 0)), join(folder, `${table}.parquet`));
    } catch (error) {
      // An attempt that was cut off here has done so.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  await syncFolder(folder);
}
