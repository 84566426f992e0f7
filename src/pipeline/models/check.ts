import { openEmbedder, type Tower } from '../../embed/index.ts';
import type { DeviceReport, Embedder, EmbedderInfo, EmbedItem } from '../../model/embedding.ts';
import { SluiceError } from '../../model/errors.ts';
import { environment, type RunEnvironment } from '../environment.ts';
import { devicesOf, type ModelRequest, modelContext, towersOf } from './request.ts';
import { sampleItems } from './samples.ts';

/** What was found out about one side of a model. */
export interface CheckedModel extends EmbedderInfo {
  licence?: string;
  device: DeviceReport;
  /** Of the vectors of fixed inputs, each computed alone and with others: the least cosine. */
  cosine: number;
  /** Sentences; none where all is well. */
  problems: string[];
}

/** The reference's limit for vectors that are to be the same. */
const SAME = 0.999;
const LENGTH_TOLERANCE = 1e-3;

/**
 * Opens each side of a model and embeds fixed inputs, alone and all at once: the vectors must be finite, of length 1
 * where they are said to be, different for different inputs, and the same either way.
 *
 * Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED, DEVICE_UNAVAILABLE or ENGINE_LOST.
 */
export async function checkModel(
  request: ModelRequest,
  given: Partial<RunEnvironment> = {},
): Promise<CheckedModel[]> {
  const env = environment(given);
  const checked: CheckedModel[] = [];
  for (const tower of await towersOf(request.ref, env)) checked.push(await checkTower(tower, request, env));
  return checked;
}

async function checkTower(tower: Tower, request: ModelRequest, env: RunEnvironment): Promise<CheckedModel> {
  const items = await sampleItems(tower.modality);
  const options = { devices: devicesOf(request), deviceBatch: items.length, cacheDir: env.cacheDir };
  const embedder = await openEmbedder(tower, options, modelContext(env));
  try {
    const found = await compare(embedder, items, env.abort);
    const { licence } = tower;
    return {
      ...embedder.info,
      ...(licence === undefined ? {} : { licence }),
      device: embedder.device,
      ...found,
    };
  } finally {
    await embedder.close();
  }
}

async function compare(
  embedder: Embedder,
  items: readonly EmbedItem[],
  signal: AbortSignal,
): Promise<{ cosine: number; problems: string[] }> {
  const together = await embedder.embed(items, 'document', signal);
  const alone: typeof together = [];
  for (const item of items) alone.push(...(await embedder.embed([item], 'document', signal)));
  const problems: string[] = [];
  const cosines: number[] = [];
  for (const [i, one] of alone.entries()) {
    const other = together[i]!;
    if (one instanceof SluiceError || other instanceof SluiceError) {
      const error = [one, other].find((each) => each instanceof SluiceError)!;
      problems.push(`input ${i + 1} has no vector: ${error.message} (${error.code})`);
      continue;
    }
    cosines.push(cosineOf(one, other));
    const length = Math.hypot(...one);
    if (embedder.info.normalised && Math.abs(length - 1) > LENGTH_TOLERANCE)
      problems.push(`the vector of input ${i + 1} has length ${length}, not 1`);
  }
  // NaN where there were none.
  const cosine = cosines.length === 0 ? 0 : Math.min(...cosines);
  if (cosines.length > 0 && cosine <= SAME)
    problems.push(
      `alone and with others an input has different vectors: their cosine is ${cosine}, not above ${SAME}`,
    );
  const vectors = alone.filter((vector) => vector instanceof Float32Array);
  if (vectors.length > 1 && vectors.every((vector) => cosineOf(vector, vectors[0]!) > 1 - 1e-6))
    problems.push('all inputs have the same vector');
  return { cosine, problems };
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}
