import { FatalError } from '../../model/errors.ts';
import type { Tensor } from './preparation.ts';

/**
 * A vector of its own for each item: its rows' mean. `counts`: how many rows each has.
 *
 * Throws FatalError MODEL_INVALID where the output is not [rows, dimensions] of float32.
 */
export function vectorsOf(
  output: Tensor | undefined,
  name: string,
  counts: readonly number[],
): Float32Array[] {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (!(output?.data instanceof Float32Array) || output.dims[0] !== rows || output.dims.length < 2) {
    const got = output === undefined ? 'nothing' : `${output.type} [${output.dims.join(', ')}]`;
    throw new FatalError(
      'MODEL_INVALID',
      `the model's output ${name} is ${got}, not float32 [${rows}, dimensions]`,
    );
  }
  const { data } = output;
  const dimensions = data.length / rows;
  let at = 0;
  return counts.map((count) => {
    // A slice has memory of its own: one vector that is kept does not keep all.
    const vector = data.slice(at * dimensions, (at + 1) * dimensions);
    for (let row = 1; row < count; row++) {
      const from = (at + row) * dimensions;
      for (let i = 0; i < dimensions; i++) vector[i]! += data[from + i]!;
    }
    if (count > 1) for (let i = 0; i < dimensions; i++) vector[i]! /= count;
    at += count;
    return vector;
  });
}
