import { middlePcm } from '../../media/pcm.ts';
import type { Context } from '../../model/contracts.ts';
import type { Preparation } from '../onnx/preparation.ts';
import type { ClapRecipe } from './clap-recipe.ts';
import { mirrored } from './mel.ts';
import { soundOf, soundTools } from './sound-source.ts';

/** Of the samples, in the graph that is run. */
export const SAMPLES = 'sluice_samples';

/** Sounds as samples; the rest is in the graph. */
export function clapPreparation(recipe: ClapRecipe, output: string, ctx: Context): Preparation<Float32Array> {
  const tools = soundTools(ctx);
  const { mel, samples } = recipe;
  return {
    output,
    prepare: async (item, _role, signal) =>
      middlePcm(soundOf(item), { rate: mel.rate, most: samples }, await tools(), signal),
    collate(items) {
      const length = samples + mel.window;
      const data = new Float32Array(items.length * length);
      for (const [index, item] of items.entries())
        data.set(mirrored(padded(item, recipe), mel), index * length);
      return { [SAMPLES]: { type: 'float32', dims: [items.length, length], data } };
    },
    sample: () => Float32Array.from({ length: samples }, (_, i) => Math.sin(i / 20) / 2),
  };
}

/** A sound of `samples` samples; of a longer one its beginning. */
export function padded(sound: Float32Array, { samples, padding }: Omit<ClapRecipe, 'mel'>): Float32Array {
  if (sound.length === samples) return sound;
  const whole = new Float32Array(samples);
  const repeats = { pad: 1, repeatpad: Math.floor(samples / sound.length), repeat: Number.POSITIVE_INFINITY }[
    padding
  ];
  for (let at = 0, n = 0; at < samples && n < repeats; at += sound.length, n++) {
    whole.set(sound.subarray(0, samples - at), at);
  }
  return whole;
}
