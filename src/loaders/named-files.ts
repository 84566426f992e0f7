import { hash } from 'node:crypto';
import { KeyTable } from '../io/key-table.ts';
import type { RawPath } from '../io/raw-path.ts';

/** Hexadecimal digits of a hash that a double holds exactly. */
const VALUE_DIGITS = 13;

/**
 * The files that a manifest named, in flat memory. Each is known by 116 bits of a SHA-256 and not by its text, so that
 * no file is ever taken for another that was named.
 */
export class NamedFiles {
  readonly #table = new KeyTable();

  /** `path` is absolute and without links, so that every spelling of it is one. */
  add(path: RawPath): void {
    const { key, value } = digest(path);
    this.#table.set(key, value);
  }

  has(path: RawPath): boolean {
    if (this.#table.size === 0) return false;
    const { key, value } = digest(path);
    return this.#table.get(key) === value;
  }
}

function digest(path: RawPath): { key: string; value: number } {
  const hex = hash('sha256', path, 'hex');
  return { key: hex.slice(VALUE_DIGITS), value: Number.parseInt(hex.slice(0, VALUE_DIGITS), 16) };
}
