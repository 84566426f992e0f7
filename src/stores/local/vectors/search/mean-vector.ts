import { contentKey } from '../../../../model/content-key.ts';
import type { Input } from '../../../../model/input.ts';
import type { VectorPart } from '../../../../model/vector-index.ts';
import type { Table } from '../../lance.ts';
import type { ResultBatch } from '../../result.ts';
import { inputIn } from '../tables.ts';
import { readVectors } from '../vector-rows.ts';

/** The direction of an input's vectors of one part as it is now, of length 1; undefined where there is none. */
export async function meanVector(
  table: Table,
  input: Input,
  { part, regions }: { part: VectorPart; regions: boolean },
): Promise<Float32Array | undefined> {
  const content = contentKey(input, regions);
  let sum: Float64Array | undefined;
  for await (const batch of table.query().where(inputIn([input.id]))) {
    for (const row of readVectors(batch as ResultBatch)) {
      if (row.content !== content || row.part !== part) continue;
      sum ??= new Float64Array(row.vector.length);
      for (let i = 0; i < sum.length; i++) sum[i]! += row.vector[i]!;
    }
  }
  const length = sum === undefined ? 0 : Math.hypot(...sum);
  return sum === undefined || length === 0 ? undefined : Float32Array.from(sum, (value) => value / length);
}
