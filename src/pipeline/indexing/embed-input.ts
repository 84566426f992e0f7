import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { checkedVector } from '../../embed/vectors.ts';
import { MAX_FRAMES, SAMPLE_MS, videoFrames } from '../../media/frames.ts';
import type { MediaTools } from '../../media/tools.ts';
import type { Embedder, EmbedItem } from '../../model/embedding.ts';
import { asError, FatalError, RejectedItemError, RetryableError, SluiceError } from '../../model/errors.ts';
import type { VectorFailure, VectorRow } from '../../model/vector-index.ts';
import type { IndexedModel } from '../../model/workflow.ts';
import type { Embeddable } from './embeddable.ts';

/** What an embedder takes at once. */
const REQUEST_ITEMS = 128;
/** Pixels of frames that wait for a request to be full, in bytes. */
const FRAME_BYTES = 64_000_000;
/** The vectors of an input under one model, or why it has none. */
export type Embedded = { rows: VectorRow[] } | { failure: VectorFailure };

export interface EmbedContext {
  tools(): Promise<MediaTools>;
  signal: AbortSignal;
}

/**
 * Embeds inputs of one kind under a model, the parts of an input together: it has all of its vectors or none.
 *
 * One result for each input, in order. Throws FatalError ENGINE_LOST, or the signal's reason.
 */
export async function embedInputs(
  inputs: readonly Embeddable[],
  model: Pick<IndexedModel, 'kind' | 'node' | 'dimensions'>,
  embedder: Embedder,
  ctx: EmbedContext,
): Promise<Embedded[]> {
  if (model.kind !== 'video') return embedParts(inputs, embedder, ctx.signal);
  const embedded: Embedded[] = [];
  for (const input of inputs) embedded.push(await embedVideo(input, model, embedder, ctx));
  return embedded;
}

interface Part {
  item: EmbedItem;
  row: Omit<VectorRow, 'vector'>;
}

async function embedParts(
  inputs: readonly Embeddable[],
  embedder: Embedder,
  signal: AbortSignal,
): Promise<Embedded[]> {
  const parts = await Promise.all(inputs.map((input) => partsOf(input).catch((error: unknown) => error)));
  const flat = parts.flatMap((of) => (Array.isArray(of) ? (of as Part[]) : []));
  const vectors = await embedAll(
    flat.map(({ item }) => item),
    embedder,
    signal,
  );
  let next = 0;
  return inputs.map((input, i) => {
    const own = parts[i];
    if (!Array.isArray(own)) return failed(input, own);
    const rows: VectorRow[] = [];
    let failure: Embedded | undefined;
    for (const { row } of own as Part[]) {
      const vector = vectors[next++]!;
      if (vector instanceof Float32Array) rows.push({ ...row, vector });
      else failure ??= failed(input, vector, row.annotationId);
    }
    return failure ?? { rows };
  });
}

/** The whole, and each box. */
async function partsOf(input: Embeddable): Promise<Part[]> {
  const { inputId, content, kind, boxes } = input;
  const whole = { inputId, content, part: 'whole' as const };
  if (kind === 'text') return [{ item: { text: await textOf(input) }, row: whole }];
  const bytes = bytesOf(input);
  if (kind === 'audio') return [{ item: { audio: bytes }, row: whole }];
  const regions = boxes.map(({ id, region }): Part => {
    const box = region!.box!;
    const row = { inputId, content, part: 'region' as const, annotationId: id, box };
    return { item: { image: bytes, box }, row };
  });
  return [{ item: { image: bytes }, row: whole }, ...regions];
}

async function textOf(input: Embeddable): Promise<string> {
  if (input.text !== undefined) return input.text;
  const bytes = bytesOf(input);
  const read = Buffer.isBuffer(bytes) ? bytes : await readFile(bytes.path);
  if (isUtf8(read)) return read.toString('utf8');
  throw new RejectedItemError('EMBED_UNREADABLE', 'the text is not UTF-8');
}

function bytesOf({ inputId, bytes }: Embeddable) {
  if (bytes !== undefined) return bytes;
  throw new RejectedItemError('INPUT_NOT_FOUND', `the bytes of ${inputId} are gone`);
}

/** Requests of the embedder's size; what failed for a while is tried once more. */
async function embedAll(
  items: readonly EmbedItem[],
  embedder: Embedder,
  signal: AbortSignal,
): Promise<(Float32Array | SluiceError)[]> {
  const results: (Float32Array | SluiceError)[] = [];
  for (let at = 0; at < items.length; at += REQUEST_ITEMS) {
    const request = items.slice(at, at + REQUEST_ITEMS);
    const answers = await embedder.embed(request, 'document', signal);
    const again = answers.flatMap((answer, i) => (answer instanceof RetryableError ? [i] : []));
    if (again.length > 0) {
      const retried = await embedder.embed(
        again.map((i) => request[i]!),
        'document',
        signal,
      );
      again.forEach((i, nth) => {
        answers[i] = retried[nth]!;
      });
    }
    results.push(...answers);
  }
  return results;
}

/** Its frames, and their mean as the whole. */
async function embedVideo(
  input: Embeddable,
  { node, dimensions }: Pick<IndexedModel, 'node' | 'dimensions'>,
  embedder: Embedder,
  { tools, signal }: EmbedContext,
): Promise<Embedded> {
  const { inputId, content } = input;
  const frames: VectorRow[] = [];
  const { sampleMs = SAMPLE_MS.usual, maxFrames = MAX_FRAMES } = node;
  try {
    const bytes = bytesOf(input);
    if (Buffer.isBuffer(bytes)) throw new TypeError('a video is embedded from a file');
    const found = await tools();
    let waiting: { timeMs: number; item: EmbedItem; bytes: number }[] = [];
    const embed = async () => {
      const items = waiting.map(({ item }) => item);
      const vectors = await embedAll(items, embedder, signal);
      for (const [i, vector] of vectors.entries()) {
        if (!(vector instanceof Float32Array)) throw vector;
        frames.push({ inputId, content, part: 'frame', timeMs: waiting[i]!.timeMs, vector });
      }
      waiting = [];
    };
    for await (const { timeMs, pixels } of videoFrames(bytes.path, { sampleMs, maxFrames }, found, signal)) {
      waiting.push({ timeMs, item: { pixels }, bytes: pixels.data.length });
      const held = waiting.reduce((sum, frame) => sum + frame.bytes, 0);
      if (waiting.length === REQUEST_ITEMS || held >= FRAME_BYTES) await embed();
    }
    if (waiting.length > 0) await embed();
    if (frames.length === 0) throw new RejectedItemError('EMBED_UNREADABLE', 'the video has no frame');
    const mean = checkedVector(meanOf(frames.map(({ vector }) => vector)), { dimensions, normalised: true });
    if (!(mean instanceof Float32Array)) throw mean;
    return { rows: [{ inputId, content, part: 'whole', vector: mean }, ...frames] };
  } catch (error) {
    signal.throwIfAborted();
    return failed(input, error);
  }
}

/** Of vectors made to length 1. */
function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]!.length);
  for (const vector of vectors) {
    let sum = 0;
    for (const value of vector) sum += value * value;
    const scale = 1 / (Math.sqrt(sum) * vectors.length);
    for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! * scale;
  }
  return mean;
}

/** Why an input has no vectors; what is no matter of the input is thrown on. */
function failed({ inputId, content }: Embeddable, thrown: unknown, annotationId?: string): Embedded {
  if (thrown instanceof FatalError) throw thrown;
  const error = asError(thrown);
  const code = error instanceof SluiceError ? error.code : 'INPUT_REINDEX_FAILED';
  const place = annotationId === undefined ? '' : `the region of annotation ${annotationId}: `;
  return { failure: { inputId, content, code, message: `${place}${error.message}` } };
}
