import { RejectedItemError, type SluiceError } from '../model/errors.ts';

/** Below it a vector has no direction. */
const MIN_NORM = 1e-12;

/** A vector that can be stored, of length 1 where `normalised`; or VECTOR_INVALID. */
export function checkedVector(
  vector: Float32Array,
  { dimensions, normalised }: { dimensions: number; normalised: boolean },
): Float32Array | SluiceError {
  if (vector.length !== dimensions) {
    return invalid(`the vector has ${vector.length} numbers`, vector.length, dimensions);
  }
  let sum = 0;
  for (const value of vector) sum += value * value;
  // A sum of squares is finite only where every number is.
  if (!Number.isFinite(sum)) return invalid('the vector has numbers that are not finite', 'NaN', 'finite');
  const norm = Math.sqrt(sum);
  if (norm < MIN_NORM) return invalid('the vector is zero', norm, MIN_NORM);
  return normalised ? vector.map((value) => value / norm) : vector;
}

const invalid = (message: string, measured: number | string, limit: number | string): SluiceError =>
  new RejectedItemError('VECTOR_INVALID', message, { measured, limit });
