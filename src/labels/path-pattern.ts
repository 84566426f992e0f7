import { posix } from 'node:path';

const PLACEHOLDER = /\{([^{}]*)\}/g;
const KNOWN = new Set(['dir', 'stem', 'name']);

/**
 * Where the label file of an item lies, relative to the source: `masks/{stem}.png`, `{dir}/../masks/{name}.png`.
 *
 * `{dir}` is the folder of the item, `{name}` its file name and `{stem}` that name without its extension.
 */
export class PathPattern {
  readonly text: string;
  /** The folder below which all paths of the pattern lie; '' for the source. */
  readonly folder: string;
  readonly #components: readonly string[];
  readonly #matcher: RegExp;

  /** Takes what `patternProblem` has no objection to. */
  constructor(text: string) {
    this.text = text;
    this.#components = text.split('/');
    const { folder, source } = matcherOf(this.#components);
    this.folder = folder;
    this.#matcher = new RegExp(`^${source}$`, 'u');
  }

  /** The path for the item at `path`; undefined where it would leave the source. */
  expand(path: string): string | undefined {
    const name = posix.basename(path);
    const dir = posix.dirname(path);
    const values: Record<string, string> = { dir, name, stem: stemOf(name) };
    const filled = this.#components.map((component) =>
      component.replace(PLACEHOLDER, (_, key: string) => values[key]!),
    );
    const expanded = posix.normalize(filled.join('/'));
    return expanded.startsWith('../') ? undefined : expanded;
  }

  /** Whether some item could have its labels at `path`. */
  matches(path: string): boolean {
    return this.#matcher.test(path.normalize('NFC'));
  }
}

/** Why a pattern cannot be used; undefined when it can. */
export function patternProblem(text: string): string | undefined {
  if (text.includes('\\')) return 'folders are separated by /';
  if (text.startsWith('/') || /^[a-z]:/i.test(text)) return 'it must be relative to the source';
  const unknown = [...text.matchAll(PLACEHOLDER)].find(([, key]) => !KNOWN.has(key!));
  if (unknown !== undefined) return `there is no ${unknown[0]}; there are {dir}, {stem} and {name}`;
  const components = text.split('/');
  if (!components.some((component) => /\{(?:stem|name)\}/.test(component)))
    return 'it must have {stem} or {name}, or one file would be for all items';
  if (components.some((component) => component !== '{dir}' && component.includes('{dir}')))
    return '{dir} must stand alone between slashes';
  return undefined;
}

function stemOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}

/** A regular expression for the paths of a pattern, and the folder that its components begin with. */
function matcherOf(components: readonly string[]): { folder: string; source: string } {
  const kept: string[] = [];
  for (const component of components) {
    // The folders that {dir} stands for, without the last, are still any folders.
    if (component === '..') {
      if (kept.at(-1) !== '{dir}') kept.pop();
    } else if (component !== '.' && component !== '') kept.push(component.normalize('NFC'));
  }
  const fixed = kept.findIndex((component) => component.includes('{'));
  const source = kept
    .map((component, i) => {
      if (component === '{dir}') return '(?:[^/]+/)*';
      const literal = component
        .split(/\{(?:stem|name)\}/)
        .map((text) => text.replace(/[$()*+.?[\\\]^{|}/-]/g, '\\$&'));
      return literal.join('[^/]+') + (i === kept.length - 1 ? '' : '/');
    })
    .join('');
  return { folder: kept.slice(0, fixed).join('/'), source };
}
