import { openEmbedder, type Tower } from '../../embed/index.ts';
import type { DeviceReport, Embedder, EmbedItem, Modality } from '../../model/embedding.ts';
import { SluiceError } from '../../model/errors.ts';
import { environment, type RunEnvironment } from '../environment.ts';
import { devicesOf, type ModelRequest, modelContext, towersOf } from './request.ts';
import { sampleItems } from './samples.ts';

export interface BenchRequest extends ModelRequest {
  /** How long each number of items is measured, at least; 3 unless given. */
  seconds?: number;
  /** Items of a call of the device, each measured; 1, 4, 8, 16 and 32 unless given. */
  batches?: readonly number[];
}

/** How fast one side of a model is at one number of items a call, decoding and preprocessing included. */
export interface MeasuredModel {
  model: string;
  modality: Modality;
  device: DeviceReport;
  items: number;
  seconds: number;
  itemsPerSecond: number;
}

const SECONDS = 3;
const BATCHES = [1, 4, 8, 16, 32];
/** Items of a request, at most. */
const REQUEST = 128;

/** Measures how many fixed inputs each side of a model embeds in a second. Throws as `checkModel`, and what an input fails with. */
export async function* benchModel(
  request: BenchRequest,
  given: Partial<RunEnvironment> = {},
): AsyncGenerator<MeasuredModel, void> {
  const env = environment(given);
  for (const tower of await towersOf(request.ref, env)) {
    const samples = await sampleItems(tower.modality);
    for (const deviceBatch of request.batches ?? BATCHES)
      yield await measured(tower, samples, deviceBatch, request, env);
  }
}

async function measured(
  tower: Tower,
  samples: readonly EmbedItem[],
  deviceBatch: number,
  request: BenchRequest,
  env: RunEnvironment,
): Promise<MeasuredModel> {
  const { seconds = SECONDS } = request;
  const options = { devices: devicesOf(request), deviceBatch, cacheDir: env.cacheDir };
  const embedder = await openEmbedder(tower, options, modelContext(env));
  try {
    await embedAll(embedder, samples, env.abort);
    // Enough for each session to have a whole call.
    const length = Math.min(REQUEST, Math.max(samples.length, embedder.device.sessions * deviceBatch));
    const items = Array.from({ length }, (_, i) => samples[i % samples.length]!);
    const began = env.clock.now();
    let done = 0;
    let took: number;
    do {
      // The next request waits while one is computed, as in a run.
      await Promise.all([embedAll(embedder, items, env.abort), embedAll(embedder, items, env.abort)]);
      done += 2 * items.length;
      took = (env.clock.now() - began) / 1000;
    } while (took < seconds);
    const { model, modality } = tower;
    return {
      model,
      modality,
      device: embedder.device,
      items: done,
      seconds: took,
      itemsPerSecond: done / took,
    };
  } finally {
    await embedder.close();
  }
}

async function embedAll(embedder: Embedder, items: readonly EmbedItem[], signal: AbortSignal): Promise<void> {
  const failure = (await embedder.embed(items, 'document', signal)).find((one) => one instanceof SluiceError);
  if (failure !== undefined) throw failure;
}
