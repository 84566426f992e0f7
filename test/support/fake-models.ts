import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { DeviceReport, Embedder, EmbedItem, Modality, ModelRef } from '../../src/model/embedding.ts';
import { FatalError, RejectedItemError, RetryableError, type SluiceError } from '../../src/model/errors.ts';

const DIMENSIONS = 8;

export interface FakeModels {
  openModel(ref: ModelRef, modality: Modality): Promise<Embedder>;
  /** Items of every request so far. */
  requests: number[];
  /** What was embedded, in order: texts, or hashes of bytes; with the box, where there was one. */
  embedded: string[];
  opened: number;
  closed: number;
}

export interface FakeOptions {
  /** Added to the fingerprints: other files of the model. */
  revision?: () => string;
  /** Runs before each request. */
  before?(items: readonly string[]): Promise<void> | void;
}

/**
 * Models of eight numbers that are made of a hash. What holds `poison` can never be embedded; what holds `flaky` fails
 * at first; a text `lose the engine` ends the engine.
 */
export function fakeModels({ revision = () => '', before }: FakeOptions = {}): FakeModels {
  const flaky = new Set<string>();
  let lost = false;
  const models: FakeModels = {
    requests: [],
    embedded: [],
    opened: 0,
    closed: 0,
    async openModel(ref, modality) {
      models.opened++;
      const short = (what: string) =>
        hash('sha256', `${what} ${ref.model} ${modality} ${revision()}`, 'hex').slice(0, 16);
      return {
        info: {
          model: ref.model,
          engine: 'onnx',
          modality,
          dimensions: DIMENSIONS,
          normalised: true,
          dtype: 'fp32',
          fingerprint: short('fingerprint'),
          space: short('space'),
        },
        device: DEVICE,
        async embed(items, _role, signal) {
          signal.throwIfAborted();
          const told = await Promise.all(items.map(tell));
          await before?.(told);
          models.requests.push(items.length);
          if (lost || told.some((text) => text.includes('lose the engine'))) {
            lost = true;
            throw new FatalError('ENGINE_LOST', 'the engine is gone');
          }
          models.embedded.push(...told);
          return told.map((text) => answer(text, ref.model, flaky));
        },
        async close() {
          models.closed++;
        },
      };
    },
  };
  return models;
}

const DEVICE: DeviceReport = {
  asked: ['cpu'],
  tried: [],
  got: 'cpu',
  sessions: 1,
  threads: 1,
  deviceBatch: 16,
};

async function tell(item: EmbedItem): Promise<string> {
  if ('text' in item) return item.text;
  if ('pixels' in item) return `pixels ${hash('sha256', item.pixels.data, 'hex')}`;
  const encoded = 'image' in item ? item.image : item.audio;
  const bytes = Buffer.isBuffer(encoded) ? encoded : await readFile(encoded.path);
  const box = 'image' in item && item.box !== undefined ? ` ${JSON.stringify(item.box)}` : '';
  return `${hash('sha256', bytes, 'hex')}${box}`;
}

function answer(text: string, model: string, flaky: Set<string>): Float32Array | SluiceError {
  if (text.includes('poison')) return new RejectedItemError('EMBED_UNREADABLE', 'it is poison');
  if (text.includes('flaky') && !flaky.has(text)) {
    flaky.add(text);
    return new RetryableError('EMBED_FAILED', 'not now');
  }
  return fakeVector(text, model);
}

function fakeVector(text: string, model = 'm'): Float32Array {
  const digest = hash('sha256', `${model} ${text}`, 'buffer');
  const vector = Float32Array.from({ length: DIMENSIONS }, (_, i) => digest[i]! - 127.5);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
