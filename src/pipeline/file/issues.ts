import { z } from 'zod';
import { closest } from '../../model/closest.ts';
import type { PipelineProblem } from './problem.ts';
import { showPath } from './problem.ts';
import type { Path } from './yaml.ts';

/** A problem by its place in the structure; `what` says whether the key or the value is at fault. */
export interface Issue {
  path: Path;
  what: 'key' | 'value';
  message: string;
}

/** What a schema has against a value, in words for people, with suggestions for what was misspelt. */
export function issuesOf(schema: z.ZodType, value: unknown, base: Path = []): Issue[] {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return [];
  const issues = parsed.error.issues.flatMap((issue) => flat(issue, []));
  const misspelt = new Set(
    issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => showPath(path)),
  );
  return (
    issues
      // A misspelt key is told once, not again as the key that is missing.
      .filter(({ code, path }) => code !== 'custom' || !misspelt.has(showPath(path)))
      .flatMap((issue) => inWords(issue, schema))
      .map((issue) => ({ ...issue, path: [...base, ...issue.path] }))
  );
}

export const asProblem = ({ path, message }: Issue): PipelineProblem => ({
  severity: 'error',
  message,
  ...(path.length === 0 ? {} : { at: showPath(path) }),
});

type Raw = z.core.$ZodIssue;

/** Of a union, what the only alternative that is of the right type has to say; else the union's own message. */
function flat(issue: Raw, base: Path): Raw[] {
  const path = [...base, ...issue.path];
  if (issue.code !== 'invalid_union') return [{ ...issue, path } as Raw];
  const near = issue.errors.filter(
    (errors) => !errors.some((error) => error.path.length === 0 && error.code === 'invalid_type'),
  );
  const [only] = near;
  return only === undefined ? [{ ...issue, path }] : only.flatMap((error) => flat(error, path));
}

function inWords(issue: Raw, schema: z.ZodType): Issue[] {
  const path: Path = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => ({ path: [...path, key], what: 'key', message: unknownKey(key, known) }));
  }
  if (issue.input === undefined && path.length > 0 && issue.code !== 'custom') {
    const missing = path.at(-1);
    return [{ path: path.slice(0, -1), what: 'key', message: `${String(missing)} is missing` }];
  }
  if (issue.code === 'invalid_value') {
    const meant = typeof issue.input === 'string' ? suggestion(issue.input, issue.values.map(String)) : '';
    const values = issue.values.map(String);
    const choice = values.length > 20 ? 'is not one of the known values' : `takes ${values.join(', ')}`;
    return [{ path, what: 'value', message: `${choice}, not ${shown(issue.input)}${meant}` }];
  }
  if (issue.code === 'invalid_key') {
    const known = keysAt(schema, path.slice(0, -1));
    const [form] = issue.issues;
    const message =
      known.length === 0 && form !== undefined ? form.message : unknownKey(String(path.at(-1)), known);
    return [{ path, what: 'key', message }];
  }
  if (issue.code === 'invalid_type' && issue.expected in TYPES) {
    const expected = path.length === 0 ? 'keys such as source and sink' : TYPES[issue.expected];
    return [{ path, what: 'value', message: `expected ${expected}, not ${typeOf(issue.input)}` }];
  }
  const message = issue.message.replace(/^Invalid input: /, '').replace(/, received (\w+)$/, ', not $1');
  return [{ path, what: 'value', message }];
}

/** Types as people who write YAML know them. */
const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
};

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return TYPES[typeof value] ?? typeof value;
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggestion(key, known);
  const there =
    meant === '' && known.length > 0 && known.length <= 16 ? `; there are ${known.join(', ')}` : '';
  return `unknown key${meant}${there}`;
}

function suggestion(given: string, known: readonly string[]): string {
  const meant = closest(given, known);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 80);

const keysAt = (schema: z.ZodType, path: Path): string[] => [
  ...new Set(
    schemasAt(schema, path).flatMap((found) => {
      if (found instanceof z.ZodObject) return Object.keys(found.shape);
      return found instanceof z.ZodRecord && found.keyType instanceof z.ZodEnum
        ? found.keyType.options.map(String)
        : [];
    }),
  ),
];

/** The schemas that a value at `path` may have: several below a union. */
export function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return schemasAt(schema.unwrap() as z.ZodType, path);
  }
  if (schema instanceof z.ZodPipe) return schemasAt(schema.in as z.ZodType, path);
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option) => schemasAt(option as z.ZodType, path));
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  if (schema instanceof z.ZodObject) {
    const inner = schema.shape[String(step)] as z.ZodType | undefined;
    return inner === undefined ? [] : schemasAt(inner, rest);
  }
  if (schema instanceof z.ZodArray) return schemasAt(schema.element as z.ZodType, rest);
  if (schema instanceof z.ZodRecord) return schemasAt(schema.valueType as z.ZodType, rest);
  return [];
}
