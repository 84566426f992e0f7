import {
  Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { PipelineProblem } from './problem.ts';

/** A pipeline file is written by people; a larger one is something else. */
export const MAX_FILE_BYTES = 1_000_000;
/** Once aliases are followed: a few hundred bytes of them can stand for billions of values. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 64;

export type Path = readonly PropertyKey[];
export type Place = Required<Pick<PipelineProblem, 'line' | 'column' | 'source'>>;

/** A YAML text as plain values, with the place of each. */
export interface Yaml {
  value: unknown;
  problems: PipelineProblem[];
  /** Whether `value` is not what the author meant, so that looking at it would only confuse. */
  broken: boolean;
  /** Of a value, or of the key that it belongs to; of what is around it where there is no such value. */
  placeOf(path: Path, what?: 'key' | 'value'): Place | undefined;
  /** A number or truth value as it is written, for fields that take a text. */
  writtenAt(path: Path): string | undefined;
}

/** Ends the walk: a limit, or what plain values cannot say. */
class Unusable extends Error {
  readonly node: Node;

  constructor(message: string, node: Node) {
    super(message);
    this.node = node;
  }
}

/** Reads one YAML 1.2 document of the core schema: no tags of other kinds, no key twice. Never throws. */
export function readYaml(text: string): Yaml {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'error' });
  const lines = text.split(/\r?\n/);
  const placeAt = (offset: number): Place => {
    const { line, col } = counter.linePos(Math.min(offset, text.length));
    return { line, column: col, source: lines[line - 1] ?? '' };
  };
  const problemOf = ({ message, pos }: YAMLError): PipelineProblem => ({
    severity: 'error',
    message: message.replace(/^Map keys must be unique$/, 'this key is there twice'),
    ...placeAt(pos[0]),
  });
  const problems = [...document.errors, ...document.warnings].slice(0, 20).map(problemOf);
  let broken = document.errors.some(({ code }) => code !== 'DUPLICATE_KEY');
  let value: unknown;
  try {
    value = document.contents === null ? null : new Values(document).of(document.contents);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    broken = true;
    problems.push({ severity: 'error', message: error.message, ...placeAt(error.node.range?.[0] ?? 0) });
  }
  return {
    value,
    problems,
    broken,
    placeOf(path, what = 'value') {
      const node = nodeAt(document, path, what);
      return node?.range ? placeAt(node.range[0]) : undefined;
    },
    writtenAt(path) {
      const node = nodeAt(document, path, 'value');
      const isPlain = isScalar(node) && ['number', 'boolean'].includes(typeof node.value);
      return isPlain ? node.source : undefined;
    },
  };
}

/** Makes plain values of nodes, within limits. Our own walk: `toJS` turns the key `null` into '' and keeps cycles. */
class Values {
  readonly #document: Document;
  readonly #open = new Set<Node>();
  #count = 0;

  constructor(document: Document) {
    this.#document = document;
  }

  of(node: Node): unknown {
    if (++this.#count > MAX_VALUES)
      throw new Unusable(`more than ${MAX_VALUES} values, aliases followed`, node);
    if (isScalar(node)) return node.value;
    const target = isAlias(node) ? node.resolve(this.#document) : node;
    if (target === undefined) throw new Unusable('an alias without its anchor', node);
    if (this.#open.has(target)) throw new Unusable('an alias that stands for itself', node);
    if (this.#open.size >= MAX_DEPTH)
      throw new Unusable(`values more than ${MAX_DEPTH} deep in each other`, node);
    this.#open.add(target);
    const value = this.#collection(target);
    this.#open.delete(target);
    return value;
  }

  #collection(node: Node): unknown {
    if (isSeq(node)) return node.items.map((item) => this.of(item as Node));
    if (!isMap(node)) return this.of(node);
    const entries = node.items.map(({ key, value }) => {
      if (!isScalar(key)) throw new Unusable('a key must be a plain text', (key ?? node) as Node);
      return [keyOf(key), value === null ? null : this.of(value as Node)] as const;
    });
    return Object.fromEntries(entries);
  }
}

/** As it is written: `null`, `true` and `1` are keys like any other. */
const keyOf = (key: Scalar): string =>
  typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));

function nodeAt(document: Document, path: Path, what: 'key' | 'value'): Node | undefined {
  let node = document.contents as Node | null;
  let key: Node | undefined;
  for (const step of path) {
    const inside = node instanceof Alias ? node.resolve(document) : node;
    if (isMap(inside)) {
      const pair = (inside as YAMLMap).items.find((item) => isScalar(item.key) && keyOf(item.key) === step);
      if (pair === undefined) break;
      key = pair.key as Node;
      node = (pair.value as Node | null) ?? key;
    } else if (isSeq(inside) && typeof step === 'number' && inside.items[step] !== undefined) {
      node = inside.items[step] as Node;
      key = undefined;
    } else break;
  }
  return (what === 'key' ? (key ?? node) : node) ?? undefined;
}
