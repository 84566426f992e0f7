import { contentKey } from '../../../../model/content-key.ts';
import type { Input } from '../../../../model/input.ts';
import type { VectorPart } from '../../../../model/vector-index.ts';
import type { Table } from '../../lance.ts';
import type { ResultBatch } from '../../result.ts';
import { inputIn } from '../tables.ts';
import { readVectors } from '../vector-rows.ts';

/**
 * The mean of an input's vectors of one part as it is now, of length 1 where theirs is; undefined where there is none, or
 * they have no direction together.
 */
export async function meanVector(
  table: Table,
  input: Input,
  { part, regions, normalised }: { part: VectorPart; regions: boolean; normalised: boolean },
): Promise<Float32Array | undefined> {
  const content = contentKey(input, regions);
  let sum: Float64Array | undefined;
  let count = 0;
  for await (const batch of table.query().where(inputIn([input.id]))) {
    for (const row of readVectors(batch as ResultBatch)) {
      if (row.content !== content || row.part !== part) continue;
      count++;
      sum ??= new Float64Array(row.vector.length);
      for (let i = 0; i < sum.length; i++) sum[i]! += row.vector[i]!;
    }
  }
  const length = sum === undefined ? 0 : Math.hypot(...sum);
  if (sum === undefined || length === 0) return undefined;
  const scale = normalised ? length : count;
  return Float32Array.from(sum, (value) => value / scale);
}
