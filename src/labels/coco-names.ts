import { KeyTable } from '../io/key-table.ts';
import { percentDecoded } from '../io/redact.ts';

/** Two slots fit into one number of the table: 67 million images a file. */
const PAIR = 2 ** 26;
/** Of a long absolute path, no more of its end is compared. */
const MAX_TAILS = 8;

export interface NameMatch {
  slot: number;
  /** How many components at the end of the item's path the name, with its folder, agrees with. */
  depth: number;
  /** The whole path of the item is that of the name. */
  exact: boolean;
  /** Another image that fits as well, so that neither does. */
  rival?: number;
}

/**
 * The names of the images of one COCO file, compared in Unicode's composed form and, where a name has `%`, also
 * percent-decoded. Of an absolute path, or one that climbs, only the end counts.
 */
export class ImageNames {
  readonly #exact = new KeyTable();
  /** Ends of relative names, for items whose path is shorter. */
  readonly #tails = new KeyTable();
  /** Ends of absolute names. */
  readonly #absoluteTails = new KeyTable();
  /** Further images of the same name, which is allowed: their annotations are of the same file. */
  readonly #namesakes = new Map<number, number[]>();
  readonly #prefixes: readonly string[];
  /** Whether every name is spelled as it is compared, so that an exact match is no other file's. */
  isPlain = true;

  /** `prefixes`: folders that names may be relative to, the likeliest first; '' for the source itself. */
  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes.map((prefix) => (prefix === '' ? '' : `${prefix}/`));
  }

  /** Answers whether the slot already stands for a file of another name. */
  add(slot: number, fileName: string, isNew: boolean): boolean {
    const name = cleanName(fileName);
    if (name.spelling !== name.path) this.isPlain = false;
    const known = this.#exact.get(keyOf(name));
    const isSame = known === slot || this.#namesakesOf(known).includes(slot);
    if (isSame) return false;
    this.#addName(slot, name, known);
    if (fileName.includes('%')) {
      const decoded = cleanName(percentDecoded(fileName));
      if (decoded.path !== name.path) {
        this.isPlain = false;
        this.#addName(slot, decoded, this.#exact.get(keyOf(decoded)));
      }
    }
    return !isNew;
  }

  /** All images of the name of this one. */
  withNamesakes(slot: number): number[] {
    return [slot, ...this.#namesakesOf(slot)];
  }

  /** The image that a path of the source is likeliest to be. */
  find(path: string): NameMatch | undefined {
    const depths = depthsOf(path);
    for (const { tail, depth } of depths) {
      for (const prefix of this.#prefixes) {
        if (!tail.startsWith(prefix)) continue;
        const slot = this.#exact.get(tail.slice(prefix.length));
        if (slot !== undefined) return { slot, depth, exact: depth === depths.length };
      }
    }
    const whole = fromPair(this.#tails.get(path), depths.length);
    if (whole !== undefined) return whole;
    for (const { tail, depth } of depths) {
      const found = fromPair(this.#absoluteTails.get(tail), depth);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #addName(slot: number, name: CleanName, known: number | undefined): void {
    const { path, absolute } = name;
    if (known !== undefined) {
      if (known !== slot) this.#namesakes.set(known, [...this.#namesakesOf(known), slot]);
      return;
    }
    this.#exact.set(keyOf(name), slot);
    const tails = absolute ? this.#absoluteTails : this.#tails;
    for (const { tail } of depthsOf(path)
      .slice(absolute ? 0 : 1)
      .slice(-MAX_TAILS))
      addTail(tails, tail, slot);
  }

  #namesakesOf(slot: number | undefined): number[] {
    return (slot === undefined ? undefined : this.#namesakes.get(slot)) ?? [];
  }
}

interface CleanName {
  /** In Unicode's composed form. */
  path: string;
  /** The path as the name spells it. */
  spelling: string;
  /** It says nothing of where in the source the file is. */
  absolute: boolean;
}

/** A name with `/` between its components and without those that mean nothing. */
export function cleanName(fileName: string): CleanName {
  const slashed = fileName.replaceAll('\\', '/');
  const components = slashed.split('/').filter((component) => component !== '' && component !== '.');
  const climb = components.lastIndexOf('..');
  const absolute = climb !== -1 || slashed.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(slashed);
  const spelling = components.slice(climb + 1).join('/');
  return { path: spelling.normalize('NFC'), spelling, absolute };
}

/** No path of a source begins with a slash, so that an absolute name is never taken for one. */
const keyOf = ({ path, absolute }: CleanName): string => (absolute ? `/${path}` : path);

/** The path and its ends at each `/`, the longest first, with their numbers of components. */
function depthsOf(path: string): { tail: string; depth: number }[] {
  const tails = [path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) tails.push(path.slice(at + 1));
  return tails.map((tail, i) => ({ tail, depth: tails.length - i }));
}

function addTail(table: KeyTable, tail: string, slot: number): void {
  const known = table.get(tail);
  if (known === undefined) table.set(tail, slot + 1);
  else if (known < PAIR && known !== slot + 1) table.set(tail, known + (slot + 1) * PAIR);
}

function fromPair(pair: number | undefined, depth: number): NameMatch | undefined {
  if (pair === undefined) return undefined;
  const match: NameMatch = { slot: (pair % PAIR) - 1, depth, exact: false };
  if (pair >= PAIR) match.rival = Math.floor(pair / PAIR) - 1;
  return match;
}
