import { ELEMENT, type OnnxNode, type OnnxTensor } from '../../formats/onnx/types.ts';
import { binsOf, fourier, framesOf, type MelRecipe, melFilters } from './mel.ts';

/** Below it a band is silent; what the logarithm is taken of, at least. */
const FLOOR = 1e-10;
/** Of all that is put into a graph, lest it have the name of something there. */
const NAME = 'sluice_mel';

/**
 * Nodes that make the logarithmic spectrum `output` [N, 1, frames, bands], in decibels, of `input` [N, samples + window],
 * the samples between their mirrored ends. The Fourier transform is a convolution with its own matrix, so that the
 * engine's threads compute it and not ours. Operator set 11 or newer.
 */
export function melNodes(
  recipe: MelRecipe,
  { input, output, samples, half }: { input: string; output: string; samples: number; half: boolean },
): { nodes: OnnxNode[]; tensors: OnnxTensor[] } {
  const { window, hop, bands } = recipe;
  const bins = binsOf(recipe);
  const frames = framesOf(samples, recipe);
  const tensors: OnnxTensor[] = [];
  const floats = (name: string, dims: number[], data: Float32Array): string => {
    tensors.push({ name: `${NAME}_${name}`, type: ELEMENT.float, dims, data });
    return `${NAME}_${name}`;
  };
  const shape = (name: string, dims: number[]): string => {
    const data = BigInt64Array.from(dims, BigInt);
    tensors.push({ name: `${NAME}_${name}`, type: ELEMENT.int64, dims: [dims.length], data });
    return `${NAME}_${name}`;
  };
  // Power is the sum of two squares, so each filter stands once before the real parts and once before the others.
  const filters = melFilters(recipe);
  const twice = new Float32Array(bands * 2 * bins);
  for (let band = 0; band < bands; band++) {
    const row = filters.subarray(band * bins, (band + 1) * bins);
    twice.set(row, band * 2 * bins);
    twice.set(row, (band * 2 + 1) * bins);
  }
  const nodes: OnnxNode[] = [];
  const node = (op: string, inputs: string[], attributes?: OnnxNode['attributes']): string => {
    const made = `${NAME}_${nodes.length}`;
    nodes.push({ op, inputs, outputs: [made], ...(attributes === undefined ? {} : { attributes }) });
    return made;
  };
  const rows = node('Reshape', [input, shape('row', [0, 1, samples + window])]);
  const matrix = floats('fourier', [2 * bins, 1, window], fourier(recipe));
  const parts = node('Conv', [rows, matrix], { strides: { ints: [hop] }, kernel_shape: { ints: [window] } });
  const power = node('MatMul', [floats('filters', [bands, 2 * bins], twice), node('Mul', [parts, parts])]);
  const logarithm = node('Log', [node('Clip', [power, floats('floor', [], new Float32Array([FLOOR]))])]);
  const decibels = node('Mul', [logarithm, floats('decibels', [], new Float32Array([10 / Math.LN10]))]);
  const turned = node('Transpose', [decibels], { perm: { ints: [0, 2, 1] } });
  const shaped = node('Reshape', [turned, shape('image', [0, 1, frames, bands])]);
  const end = half
    ? { op: 'Cast', attributes: { to: { i: ELEMENT.float16 } } }
    : { op: 'Identity', attributes: {} };
  nodes.push({ ...end, inputs: [shaped], outputs: [output] });
  return { nodes, tensors };
}
