import type { Tensor } from './preparation.ts';

/** The same numbers in memory of their own; `slice` of a Buffer would share it. */
export function copyOf(data: Tensor['data']): Tensor['data'] {
  if (data instanceof Float32Array) return new Float32Array(data);
  return data instanceof BigInt64Array ? new BigInt64Array(data) : new Uint8Array(data);
}
