import type { z } from 'zod';
import { type Issue, schemasAt } from './issues.ts';
import type { Path } from './yaml.ts';

const REFERENCE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/;

/**
 * References to the environment outside of the fields that hold secrets: what a run does must be in its file, so that
 * it does the same tomorrow. A field holds a secret when its schema says so: `.meta({ secret: true })`.
 */
export function misplacedReferences(schema: z.ZodType, value: unknown, path: Path = []): Issue[] {
  if (typeof value === 'string') {
    const reference = REFERENCE.exec(value)?.[0];
    if (reference === undefined || schemasAt(schema, path).some((field) => field.meta()?.['secret'] === true))
      return [];
    return [{ path, what: 'value', message: `${reference} is for secrets only; write the value itself` }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    misplacedReferences(schema, inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
