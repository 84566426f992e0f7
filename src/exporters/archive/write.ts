import { basename } from 'node:path';
import { z } from 'zod';
import { ZipFile } from '../../io/zip-writer/zip-file.ts';
import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import type { ExportResult, ExportSource, ExportTarget } from '../../model/export.ts';
import type { Outcome } from '../../model/outcome.ts';
import { inputOutcome } from '../input-outcome.ts';
import { mediaChunks } from './media-chunks.ts';
import type { ArchiveKind, ArchiveOptions } from './options.ts';
import { prepareInput } from './prepare.ts';
import { type PreparedInput, Round } from './round.ts';

const MB = 1_000_000;
/** Written between two checkpoints: what a kill costs at most. */
const CHECKPOINT_BYTES = 512 * MB;

const checkpointShape = z.object({
  /** Behind the last entry. */
  offset: z.int().min(0),
  /** The last input that has its outcome. */
  after: z.string(),
  rounds: z.int().min(0),
  losses: z.record(z.string(), z.int()),
  /** Annotations. */
  written: z.int().min(0),
  leftOut: z.int().min(0),
});
type Checkpoint = z.infer<typeof checkpointShape>;

/**
 * Writes one of the platform's archives: `mimetype`, then for each round and split an entry `<split>/batch_<round>_n<count>`
 * that is an `InputBatch`. Outcomes are given once their round is written; between rounds it can be killed and gone on with.
 */
export async function* writeArchive(
  kind: ArchiveKind,
  source: ExportSource,
  target: ExportTarget,
  options: ArchiveOptions,
  ctx: Context,
  checkpointBytes = CHECKPOINT_BYTES,
): AsyncGenerator<Outcome, ExportResult, void> {
  const { zip, state } = await begin(kind, target);
  const limits = { items: options.batchItems, bytes: options.batchMegabytes * MB };
  let saved = zip.offset;
  try {
    let round = new Round();
    const write = async () => {
      state.rounds++;
      for (const [folder, inputs] of round.batches()) {
        await writeBatch(zip, `${folder}/batch_${String(state.rounds).padStart(6, '0')}`, inputs, kind, ctx);
        for (const input of inputs) count(state, input);
      }
    };
    for await (const input of source.inputs(state.after === '' ? {} : { after: state.after })) {
      ctx.signal.throwIfAborted();
      const prepared = await prepareInput(input, source, options, kind);
      const isInput = 'pieces' in prepared;
      if (!round.hasRoom(isInput ? prepared.bytes : 0, limits)) {
        await write();
        yield* round.outcomes;
        round = new Round();
        if (zip.offset - saved >= checkpointBytes) {
          await zip.sync();
          saved = zip.offset;
          await target.save({ ...state, offset: saved } satisfies Checkpoint);
        }
      }
      if (isInput) round.add(inputOutcome(input, 'EXPORTED'), prepared);
      else round.add(prepared);
      if (!isInput && prepared.code === 'EXPORT_UNSUPPORTED') {
        bump(state.losses, 'too-large');
        state.leftOut += input.annotations.length;
      }
      state.after = input.id;
    }
    await write();
    yield* round.outcomes;
    const bytes = await zip.finish();
    const { losses, written, leftOut } = state;
    return { files: [{ path: basename(target.path), bytes }], losses, annotations: { written, leftOut } };
  } finally {
    await zip.close();
  }
}

/** A new archive with its first entry, or the one of an earlier attempt as its last checkpoint left it. */
async function begin(
  { mimetype }: ArchiveKind,
  { path, checkpoint }: ExportTarget,
): Promise<{ zip: ZipFile; state: Checkpoint }> {
  if (checkpoint !== undefined && checkpoint !== null) {
    const state = checkpointShape.parse(checkpoint);
    const zip = await ZipFile.resume(path, state.offset);
    if (zip !== undefined) return { zip, state };
    throw new FatalError(
      'STORE_WRITE_FAILED',
      `${path} is not as the interrupted export left it; remove it and export again`,
    );
  }
  const zip = await ZipFile.create(path);
  const content = Buffer.from(mimetype);
  try {
    await zip.add('mimetype', content.length, [content]);
  } catch (error) {
    await zip.close();
    throw error;
  }
  return { zip, state: { offset: 0, after: '', rounds: 0, losses: {}, written: 0, leftOut: 0 } };
}

const NOTHING = Buffer.alloc(0);
const JSON_START = Buffer.from('{"inputs":[');
const JSON_COMMA = Buffer.from(',');
const JSON_END = Buffer.from(']}');

async function writeBatch(
  zip: ZipFile,
  name: string,
  inputs: readonly PreparedInput[],
  kind: ArchiveKind,
  { signal }: Context,
): Promise<void> {
  const isJson = kind.name === 'json';
  const [start, comma, end] = isJson ? [JSON_START, JSON_COMMA, JSON_END] : [NOTHING, NOTHING, NOTHING];
  const content = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
  const size = start.length + content + comma.length * (inputs.length - 1) + end.length;
  const chunks = async function* (): AsyncGenerator<Buffer> {
    if (isJson) yield start;
    yield* mediaChunks(inputs, isJson ? 'base64' : 'bytes', comma, signal);
    if (isJson) yield end;
  };
  await zip.add(`${name}_n${inputs.length}`, size, chunks());
}

function count(state: Checkpoint, { annotations, losses }: PreparedInput): void {
  state.written += annotations;
  for (const loss of losses) bump(state.losses, loss);
}

function bump(losses: Record<string, number>, id: string): void {
  losses[id] = (losses[id] ?? 0) + 1;
}
