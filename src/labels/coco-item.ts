import { isAbsolute, relative, sep } from 'node:path';
import { percentDecoded } from '../io/redact.ts';
import type { SourceItem } from '../model/contracts.ts';

export interface ItemPath {
  /** In Unicode's composed form, `/` between components. */
  path: string;
  /** The path as it is spelled. */
  spelling: string;
  /** Not the place in the source's folder, but in an archive or on a server: only its end can tell. */
  inner: boolean;
}

/** The path that a label file may know an item by; `base` is the folder of the source. */
export function pathOf(item: SourceItem, base: string): ItemPath {
  const { path: spelling, inner } = spelled(item, base);
  return { path: spelling.normalize('NFC'), spelling, inner };
}

function spelled(item: SourceItem, base: string): Pick<ItemPath, 'path' | 'inner'> {
  const { uri, url, file, fileName } = item;
  const archive = uri.lastIndexOf('!/');
  if (archive !== -1) return { path: withoutRepeat(uri.slice(archive + 2)), inner: true };
  if (url !== undefined) return { path: urlPath(url), inner: true };
  // A row of a table names a file; its own uri says nothing of it.
  if (/#[LR]\d+(?:#\d+)?$/.test(uri) && file !== undefined) {
    const path = relative(base, file.toString());
    const isInside = !isAbsolute(path) && path.split(sep)[0] !== '..';
    return isInside
      ? { path: path.replaceAll(sep, '/'), inner: false }
      : { path: fileName ?? '', inner: true };
  }
  const path = withoutRepeat(uri);
  return { path: path.startsWith('./') ? percentDecoded(path.slice(2)) : path, inner: false };
}

/** The second item of one place has a `#2` behind its uri. */
const withoutRepeat = (uri: string): string => uri.replace(/#\d+$/, '');

function urlPath(url: string): string {
  try {
    return percentDecoded(new URL(url).pathname).replace(/^\/+/, '');
  } catch {
    return url;
  }
}
