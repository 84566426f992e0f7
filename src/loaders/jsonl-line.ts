import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { jsonErrorAt } from '../formats/json-error.ts';
import type { Line } from '../io/lines.ts';
import { closest } from '../model/closest.ts';
import { FatalError } from '../model/errors.ts';
import { issuesOf, itemShape } from './item-shape.ts';

const SCHEMA = 1;
const TYPE = 'inputs';
/** Values nested deeper cannot be written back safely. */
const MAX_DEPTH = 100;

const { id, kind, text, concepts, metadata, geo, split } = itemShape;
const inputFields = z.object({
  id,
  kind,
  text,
  file: z.string().min(1).optional(),
  url: z.string().min(1).optional(),
  uri: z.string().min(1).optional(),
  concepts,
  metadata,
  geo,
  split,
  annotations: z.array(z.unknown()).optional(),
});
/** What a line says of its input; annotations are not looked at yet. Some of text, file, url and uri is there. */
export type InputFields = z.output<typeof inputFields>;

const FIELDS = Object.keys(inputFields.shape);
/** What `inputs list --json` prints and a run finds out itself. */
const DERIVED = [
  ...['schema', 'sha256', 'bytes', 'media', 'datasets', 'embeddings'],
  ...['createdAt', 'modifiedAt'],
];
const KNOWN: ReadonlySet<string> = new Set([...FIELDS, ...DERIVED]);

/** Why a line is no input. */
export class LineError extends Error {
  /** Where it stops being JSON, in characters, counted from 1. */
  readonly column: number | undefined;
  /** That the user gave, where it could be read. */
  readonly id: string | undefined;
  readonly details: { measured: number; limit: number } | undefined;

  constructor(message: string, known: Partial<Pick<LineError, 'column' | 'id' | 'details'>> = {}) {
    super(message);
    this.column = known.column;
    this.id = known.id;
    this.details = known.details;
  }
}

/**
 * Reads a line of DESIGN.md §6a. Throws LineError; FatalError SOURCE_UNRECOGNISED when the header of `file`, which
 * only the `first` line can be, says that it holds something else.
 */
export function parseInputLine(line: Line, file: string, first: boolean): InputFields | 'blank' | 'header' {
  if (line.length > line.bytes.length) {
    const limit = line.bytes.length;
    throw new LineError(`the line has ${line.length} bytes; --max-line-bytes allows ${limit}`, {
      details: { measured: line.length, limit },
    });
  }
  if (!isUtf8(line.bytes)) throw new LineError('the line is not valid UTF-8');
  const source = line.bytes.toString();
  if (source.trim() === '') return 'blank';
  const value = parseObject(source);
  if (first && isHeader(value, file)) return 'header';
  return inputOf(value);
}

function parseObject(source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    // No `cause` on purpose: the error shows what stands there, which may be part of a secret.
    const at = jsonErrorAt(source);
    const what = at === source.length ? 'ends too early' : `has an unexpected ${JSON.stringify(source[at])}`;
    throw new LineError(`the line is not JSON: it ${what}`, { column: at + 1 });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new LineError('expected a JSON object such as {"id": "a", "file": "a.jpg"}');
}

function isHeader(value: Record<string, unknown>, file: string): boolean {
  const { schema, type } = value;
  if (schema === undefined || type === undefined) return false;
  if (schema === SCHEMA && type === TYPE) return true;
  const found = JSON.stringify({ schema, type }).slice(0, 200);
  const expected = JSON.stringify({ schema: SCHEMA, type: TYPE });
  throw new FatalError(
    'SOURCE_UNRECOGNISED',
    `${file} starts with the header ${found}, not with ${expected}`,
  );
}

function inputOf(value: Record<string, unknown>): InputFields {
  const known = typeof value['id'] === 'string' ? { id: value['id'] } : {};
  const unknown = Object.keys(value).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new LineError(unknown.map(unknownKey).join('; '), known);
  if (isDeeper(value, MAX_DEPTH)) throw new LineError(`nested deeper than ${MAX_DEPTH} levels`, known);
  const parsed = inputFields.safeParse(value);
  if (!parsed.success) throw new LineError(issuesOf(parsed.error), known);
  const problem = contentProblem(parsed.data);
  if (problem !== undefined) throw new LineError(problem, known);
  return parsed.data;
}

function unknownKey(key: string): string {
  const meant = closest(key, FIELDS);
  return `there is no field ${JSON.stringify(key.slice(0, 80))}${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}

/** Only an image has a text beside it, and nothing has two contents. */
function contentProblem({ kind: claimed, text: words, file, url, uri }: InputFields): string | undefined {
  if (file !== undefined && url !== undefined) return 'the line has two inputs, file and url';
  const content = file !== undefined ? 'file' : url !== undefined ? 'url' : undefined;
  if (words === undefined) {
    return content === undefined && uri === undefined
      ? 'the line has no input: give text, file or url'
      : undefined;
  }
  if (claimed === 'text' && content !== undefined) return `the line has two inputs, text and ${content}`;
  if (claimed === 'audio' || claimed === 'video')
    return `only an image can have a text beside it, not ${claimed}`;
  return claimed === 'image' && content === undefined && uri === undefined
    ? 'the line has no image: give file or url'
    : undefined;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
