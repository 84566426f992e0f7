import { extname } from 'node:path';
import { parse } from 'yaml';
import { readHead } from '../io/small-file.ts';
import { asError, FatalError } from '../model/errors.ts';
import { type ClassList, classList } from './class-map.ts';

const MAX_BYTES = 1_000_000;
/** `name:r,g,b:parts:actions`, the label map of CVAT and VOC. */
const COLOURED = /^([^:]+):\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?::.*)?$/;

/**
 * Reads a class map from a file: JSON or YAML as the option itself would have it, or lines of text, each a name, the
 * first of index 0, or all of the form `name:r,g,b`.
 *
 * Throws FatalError SOURCE_NOT_FOUND or LABELS_UNREADABLE.
 */
export async function readClassFile(path: string): Promise<ClassList> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readHead(path, MAX_BYTES + 1);
  } catch (error) {
    throw new FatalError('SOURCE_NOT_FOUND', `the class map ${path} cannot be read`, { cause: error });
  }
  if (bytes === undefined) throw new FatalError('SOURCE_NOT_FOUND', `there is no class map ${path}`);
  if (bytes.length > MAX_BYTES) throw unreadable(path, `a class map has at most ${MAX_BYTES} bytes`);
  const parsed = classList.safeParse(contentOf(path, bytes));
  if (parsed.success) return parsed.data;
  const { path: place, message } = parsed.error.issues[0]!;
  throw unreadable(path, [...place, message].join(': '));
}

function contentOf(path: string, bytes: Buffer): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    switch (extname(path).toLowerCase()) {
      case '.json':
        return JSON.parse(text);
      case '.yaml':
      case '.yml':
        return parse(text, { maxAliasCount: 100 });
      default:
        return classesOfLines(text);
    }
  } catch (error) {
    throw unreadable(path, asError(error).message, error);
  }
}

function classesOfLines(text: string): unknown {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('#'));
  while (lines.at(-1) === '') lines.pop();
  const coloured = lines.filter((line) => line !== '').map((line) => COLOURED.exec(line));
  if (coloured.length === 0 || coloured.includes(null)) return lines;
  return Object.fromEntries(
    coloured.map((match) => {
      const [, name, ...channels] = match!;
      return [`#${channels.map((each) => Number(each).toString(16).padStart(2, '0')).join('')}`, name];
    }),
  );
}

const unreadable = (path: string, why: string, cause?: unknown): FatalError =>
  new FatalError('LABELS_UNREADABLE', `the class map ${path}: ${why}`, { cause });
