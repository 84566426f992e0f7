import { z } from 'zod';
import { SHAPES } from '../../src/pipeline/shapes.ts';

/** docs/schemas/<name>.schema.json: JSON Schema of what scripts may rely on. */
export function schemaPages(): [path: string, content: string][] {
  return Object.entries(SHAPES).map(([name, shape]) => [
    `schemas/${name}.schema.json`,
    `${JSON.stringify(z.toJSONSchema(shape), null, 2)}\n`,
  ]);
}
