import type { Context } from '../model/contracts.ts';
import type { Embedder } from '../model/embedding.ts';
import { SluiceError } from '../model/errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { EngineOptions, Tower } from './tower.ts';
import { checkedVector } from './vectors.ts';

/** Loads a tower. Throws FatalError MODEL_INVALID, MODEL_NOT_FOUND, DEVICE_UNAVAILABLE. */
export async function openEmbedder(tower: Tower, options: EngineOptions, ctx: Context): Promise<Embedder> {
  const { model, modality, dimensions, normalised, dtype } = tower;
  const info = { model, engine: 'onnx' as const, modality, dimensions, normalised, dtype };
  const known = await fingerprintOf(tower);
  const open = await tower.open(options, ctx);
  return {
    info: { ...info, ...known },
    get device() {
      return open.device;
    },
    async embed(items, role, signal) {
      const results = await open.embed(items, role, signal);
      return results.map((result) => (result instanceof SluiceError ? result : checkedVector(result, info)));
    },
    close: () => open.close(),
  };
}
