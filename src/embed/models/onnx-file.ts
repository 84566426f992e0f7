import type { Dtype, ModelRef } from '../../model/embedding.ts';
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

/**
 * Absolute path of a graph of the wanted weights: the first of the stems (`audio_model`, `model`) in `onnx/` or beside
 * it. Throws FatalError MODEL_NOT_FOUND, saying what was looked for.
 */
export function requireGraph(
  folder: ModelFolder,
  { dtype = 'fp32' }: ModelRef,
  stems: readonly string[],
): string {
  const names = stems.flatMap((stem) => {
    const name = `${stem}${ONNX_SUFFIX[dtype]}.onnx`;
    return [`onnx/${name}`, name];
  });
  for (const name of names) {
    const path = folder.find(name);
    if (path !== undefined) return path;
  }
  throw new FatalError(
    'MODEL_NOT_FOUND',
    `the model ${folder.name} has no ONNX file with ${dtype} weights (looked in ${folder.path} for ${names.join(', ')})`,
  );
}
