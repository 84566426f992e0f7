import { relative, sep } from 'node:path';
import { percentDecoded } from '../io/redact.ts';
import type { SourceItem } from '../model/contracts.ts';

/** The uri of a row, which says nothing of the file that the row names. */
const ROW = /#[LR]\d+(?:#\d+)?$/;

/**
 * The path of an item below `base`, the folder of its source, with `/` between its components; undefined where the
 * item is no file there: the row of a table without one, or a name that is not valid UTF-8.
 */
export function itemPath({ uri, file }: SourceItem, base: string): string | undefined {
  if (!ROW.test(uri)) return uri.startsWith('./') ? decodedPath(uri.slice(2)) : uri;
  if (typeof file !== 'string') return undefined;
  const path = relative(base, file).replaceAll(sep, '/');
  return path.startsWith('../') ? undefined : path;
}

/** `rawUri` escapes bytes that are not UTF-8, which decoding leaves as they are. */
function decodedPath(escaped: string): string | undefined {
  const path = percentDecoded(escaped);
  return path === escaped && escaped.includes('%') ? undefined : path;
}

/**
 * The path as it stands and as other tools write the same: in Unicode's composed and decomposed form, and with `%XX`
 * for what is not ASCII or the other way round.
 */
export function spellings(path: string): string[] {
  const plain = percentDecoded(path);
  const all = [path, plain, encodeURI(plain.toWellFormed())];
  return [...new Set(all.flatMap((each) => [each, each.normalize('NFC'), each.normalize('NFD')]))];
}

/** What all spellings of a path have in common. */
export const commonSpelling = (path: string): string => percentDecoded(path).normalize('NFC');
