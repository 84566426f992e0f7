import { type Framing, framedPixels } from '../../media/pixels.ts';
import type { EmbedItem, RawPixels } from '../../model/embedding.ts';
import type { Feeds, Preparation } from '../onnx/preparation.ts';

/** How an image becomes the input of a graph; the rest (scale, mean, order of channels) is in the graph itself. */
export interface ImageRecipe extends Framing {
  /** Of the input: uint8 [N, height, width, 3]. */
  readonly input: string;
  /** Of the output: float32 [N, dimensions]. */
  readonly output: string;
}

/** Images, parts of them, and frames. */
export function imagePreparation(recipe: ImageRecipe): Preparation<RawPixels> {
  const { width, height } = inputSize(recipe);
  return {
    output: recipe.output,
    prepare(item, _role, signal) {
      if ('pixels' in item) return framedPixels(item.pixels, recipe, { signal });
      const { image, box } = imageOf(item);
      return framedPixels(image, recipe, box === undefined ? { signal } : { box, signal });
    },
    collate: (items): Feeds => {
      const data = new Uint8Array(items.length * width * height * 3);
      for (const [index, item] of items.entries()) data.set(item.data, index * width * height * 3);
      return { [recipe.input]: { type: 'uint8', dims: [items.length, height, width, 3], data } };
    },
    bytes: ({ data }) => data.length,
    sample: () => ({ data: sampleBytes(width * height * 3), width, height }),
  };
}

/** Of what the graph is given, in pixels. */
export function inputSize({ resize, crop }: Pick<ImageRecipe, 'resize' | 'crop'>): {
  width: number;
  height: number;
} {
  if (crop !== undefined) return crop;
  if ('edge' in resize) throw new TypeError('images of different sizes cannot be computed together');
  return resize;
}

function imageOf(item: EmbedItem) {
  if ('image' in item) return item;
  throw new TypeError(`an image is wanted, not ${Object.keys(item).join()}`);
}

/** Grey steps: something that is neither all the same nor random. */
const sampleBytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251);
