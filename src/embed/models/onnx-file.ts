import { DTYPES, type Dtype, type ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import type { ModelFolder } from './folder.ts';

/** How the file of a graph ends by the type of its weights, before `.onnx`. */
export const ONNX_SUFFIX: Readonly<Record<Dtype, string>> = {
  fp32: '',
  fp16: '_fp16',
  int8: '_int8',
  uint8: '_uint8',
  q8: '_quantized',
};

const namesOf = ({ dtype = 'fp32' }: ModelRef, stems: readonly string[]): string[] =>
  stems.flatMap((stem) => {
    const name = `${stem}${ONNX_SUFFIX[dtype]}.onnx`;
    return [`onnx/${name}`, name];
  });

/** As `requireGraph`, or undefined. */
export function findGraph(folder: ModelFolder, ref: ModelRef, stems: readonly string[]): string | undefined {
  for (const name of namesOf(ref, stems)) {
    const path = folder.find(name);
    if (path !== undefined) return path;
  }
  return undefined;
}

/**
 * Absolute path of a graph of the wanted weights: the first of the stems (`audio_model`, `model`) in `onnx/` or beside
 * it. Throws FatalError MODEL_NOT_FOUND, saying what was looked for, and what other weights there are.
 */
export function requireGraph(folder: ModelFolder, ref: ModelRef, stems: readonly string[]): string {
  const path = findGraph(folder, ref, stems);
  if (path !== undefined) return path;
  const looked = namesOf(ref, stems).join(', ');
  const others = DTYPES.filter((dtype) => findGraph(folder, { ...ref, dtype }, stems) !== undefined);
  const there = others.length > 0 ? `; it has those of ${others.join(', ')}` : '';
  throw new FatalError(
    'MODEL_NOT_FOUND',
    `the model ${folder.name} has no ONNX file with ${ref.dtype ?? 'fp32'} weights (looked in ${folder.path} for ${looked})${there}`,
  );
}
