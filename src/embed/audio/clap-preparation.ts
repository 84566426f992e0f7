import { middlePcm } from '../../media/pcm.ts';
import type { Context } from '../../model/contracts.ts';
import type { Preparation } from '../onnx/preparation.ts';
import type { ClapRecipe } from './clap-recipe.ts';
import { mirrorEnds } from './mel.ts';
import { soundOf, soundTools } from './sound-source.ts';

/** Of the samples, in the graph that is run. */
export const SAMPLES = 'sluice_samples';

/** Sounds as samples; the rest is in the graph. */
export function clapPreparation(recipe: ClapRecipe, output: string, ctx: Context): Preparation<Float32Array> {
  const tools = soundTools(ctx);
  const { mel, samples, padding } = recipe;
  return {
    output,
    prepare: async (item, _role, signal) =>
      middlePcm(soundOf(item), { rate: mel.rate, most: samples }, await tools(), signal),
    collate(items) {
      const length = samples + mel.window;
      const data = new Float32Array(items.length * length);
      for (const [index, item] of items.entries()) {
        const part = data.subarray(index * length, (index + 1) * length);
        padInto(part.subarray(mel.window / 2, -mel.window / 2), item, padding);
        mirrorEnds(part, mel);
      }
      return { [SAMPLES]: { type: 'float32', dims: [items.length, length], data } };
    },
    bytes: ({ byteLength }) => byteLength,
    sample: () => Float32Array.from({ length: samples }, (_, i) => Math.sin(i / 20) / 2),
  };
}

/** Puts a sound into zeros of the length that every sound is given; of a longer one its beginning. */
export function padInto(whole: Float32Array, sound: Float32Array, padding: ClapRecipe['padding']): void {
  const fitting = Math.floor(whole.length / sound.length);
  const repeats = { pad: 1, repeatpad: Math.max(1, fitting), repeat: fitting + 1 }[padding];
  for (let n = 0; n < repeats; n++) {
    const at = n * sound.length;
    if (at < whole.length) whole.set(sound.subarray(0, whole.length - at), at);
  }
}
