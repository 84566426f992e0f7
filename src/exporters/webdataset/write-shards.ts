import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder, writeFileAtomic } from '../../io/atomic.ts';
import type { Context } from '../../model/contracts.ts';
import type { Converted, ExportResult, ExportSource, ExportTarget } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Outcome } from '../../model/outcome.ts';
import { convertedOutcome, failedOutcome, inputOutcome } from '../input-outcome.ts';
import { sizeOfMedia, streamMedia } from '../read-media.ts';
import { splitNames } from '../split-names.ts';
import { Tally, tallyShape } from '../tally.ts';
import { writtenFiles } from '../written-files.ts';
import { mediaName, sampleTexts } from './sample.ts';
import { type SampleFile, type ShardLimits, ShardSet, shardStateShape } from './shard-set.ts';

/** Bytes after which a checkpoint is written, whether or not a shard is full. */
const CHECKPOINT_BYTES = 256_000_000;

/** The last id in the shards, and how far those are that are open, by split. */
const checkpointShape = z.strictObject({
  after: z.string(),
  splits: z.record(z.string(), shardStateShape),
  tally: tallyShape,
});

export interface ShardOptions extends ShardLimits {
  /** Numbers of concepts, where `.cls` files are wanted. */
  classes: ReadonlyMap<string, number> | undefined;
}

/** Writes the samples of each split into shards. A killed export goes on in the shards that it was writing. */
export async function* writeShards(
  source: ExportSource,
  target: ExportTarget,
  options: ShardOptions,
  { signal }: Context,
): AsyncGenerator<Outcome, ExportResult, void> {
  const saved = checkpointShape.safeParse(target.checkpoint).data;
  const tally = new Tally([], saved?.tally);
  const splitOf = splitNames(source.version);
  const sets = new Map<string, ShardSet>();
  const setOf = async (split: string): Promise<ShardSet> => {
    const set = sets.get(split) ?? (await ShardSet.open(target.path, split, options, saved?.splits[split]));
    sets.set(split, set);
    return set;
  };
  let after = saved?.after;
  let unsaved = 0;
  const save = async () => {
    unsaved = 0;
    if (after === undefined) return;
    for (const set of sets.values()) await set.sync();
    await syncFolder(target.path);
    const splits = Object.fromEntries([...sets].map(([split, set]) => [split, set.state]));
    await target.save({ after, splits, tally: tally.state });
  };
  try {
    for (const split of Object.keys(saved?.splits ?? {})) await setOf(split);
    for await (const input of source.inputs(after === undefined ? {} : { after })) {
      signal.throwIfAborted();
      if (unsaved >= CHECKPOINT_BYTES) await save();
      yield await taken(input, async () => {
        const { files, converted } = await filesOf(input, source, options.classes, signal);
        const set = await setOf(splitOf(input.split));
        if (!set.fits(files)) {
          await set.turn();
          await save();
        }
        await set.add(files);
        unsaved += files.reduce((sum, { size }) => sum + size, 0);
        tally.annotations(input.annotations.length);
        return converted;
      });
      after = input.id;
    }
    for (const [split, set] of sets) {
      await set.finish();
      sets.delete(split);
    }
    if (options.classes !== undefined) await writeClasses(target.path, options.classes);
    return { files: await writtenFiles(target.path), ...tally.result };
  } finally {
    for (const set of sets.values()) await set.abandon();
  }
}

/** The outcome of an input that `add` puts into a shard. */
async function taken(input: Input, add: () => Promise<Converted | undefined>): Promise<Outcome> {
  try {
    const converted = await add();
    const outcome = inputOutcome(input, 'EXPORTED');
    return converted === undefined ? outcome : convertedOutcome(outcome, converted);
  } catch (error) {
    return failedOutcome(input, error);
  }
}

/** Media first: where they cannot be read, nothing of the sample was written. */
async function filesOf(
  input: Input,
  source: ExportSource,
  classes: ShardOptions['classes'],
  signal: AbortSignal,
): Promise<{ files: SampleFile[]; converted?: Converted | undefined }> {
  const media = input.kind === 'text' ? undefined : await source.media(input);
  const converted = media?.converted;
  const { sha256, bytes } = converted ?? input;
  const texts = sampleTexts({ ...input, sha256, bytes }, classes).map(
    ({ name, content }): SampleFile => ({ name, size: content.length, pieces: once(content) }),
  );
  if (media === undefined) return { files: texts };
  const file = { name: mediaName(input), size: sizeOfMedia(media), pieces: streamMedia(media, signal) };
  return { files: [file, ...texts], converted };
}

async function* once(content: Buffer): AsyncGenerator<Uint8Array> {
  yield content;
}

/** `classes.txt`: the line of a concept, counted from 0, is its number. */
async function writeClasses(folder: string, classes: ReadonlyMap<string, number>): Promise<void> {
  await writeFileAtomic(join(folder, 'classes.txt'), [...classes.keys()].map((id) => `${id}\n`).join(''));
}
