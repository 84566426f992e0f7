import { KeyTable } from '../../io/key-table.ts';
import { NumberList } from './number-list.ts';

const DECLARED = 1;
const CONTESTED = 2;

/**
 * The images of one COCO file, by slots: one for each image id that an image or annotation has, numbered in the order
 * of their first appearance, which may be in either list. Flat memory, about 60 bytes an image.
 */
export class ImageTable {
  readonly #slots = new KeyTable();
  readonly #flags = new NumberList(Uint8Array);
  readonly #offset = new NumberList(Float64Array);
  readonly #length = new NumberList(Uint32Array);
  readonly #width = new NumberList(Uint32Array);
  readonly #height = new NumberList(Uint32Array);
  readonly #firstAnnotation = new NumberList(Uint32Array);
  readonly #lastAnnotation = new NumberList(Uint32Array);
  readonly #annotations = new NumberList(Uint32Array);

  get length(): number {
    return this.#flags.length;
  }

  /** The slot of an image id, made if there is none. */
  slotOf(idKey: string): number {
    const known = this.#slots.get(idKey);
    if (known !== undefined) return known;
    const slot = this.length;
    this.#slots.set(idKey, slot);
    for (const list of [
      this.#flags,
      this.#offset,
      this.#length,
      this.#width,
      this.#height,
      this.#firstAnnotation,
      this.#lastAnnotation,
      this.#annotations,
    ]) {
      list.push(0);
    }
    return slot;
  }

  declare(slot: number, offset: number, length: number, size: { width: number; height: number }): void {
    this.#flags.set(slot, DECLARED);
    this.#offset.set(slot, offset);
    this.#length.set(slot, length);
    this.#width.set(slot, size.width);
    this.#height.set(slot, size.height);
  }

  /** Whether the list of images has the image. */
  isDeclared(slot: number): boolean {
    return this.#flags.get(slot) !== 0;
  }

  /** Two files are declared with this id, so that nobody can tell whose the annotations are. */
  contest(slot: number): void {
    this.#flags.set(slot, DECLARED | CONTESTED);
  }

  isContested(slot: number): boolean {
    return (this.#flags.get(slot) & CONTESTED) !== 0;
  }

  /** Where the image is declared in the file. */
  place(slot: number): { offset: number; length: number } {
    return { offset: this.#offset.get(slot), length: this.#length.get(slot) };
  }

  /** In pixels, as declared; undefined when it is not. */
  size(slot: number): { width: number; height: number } | undefined {
    const width = this.#width.get(slot);
    const height = this.#height.get(slot);
    return width > 0 && height > 0 ? { width, height } : undefined;
  }

  annotations(slot: number): number {
    return this.#annotations.get(slot);
  }

  /** Index of the image's first annotation. */
  firstAnnotation(slot: number): number {
    return this.#firstAnnotation.get(slot);
  }

  /** Counts one more annotation; gives the index of the one before it, −1 for the first. */
  addAnnotation(slot: number, index: number): number {
    const count = this.#annotations.get(slot);
    const before = count === 0 ? -1 : this.#lastAnnotation.get(slot);
    if (count === 0) this.#firstAnnotation.set(slot, index);
    this.#lastAnnotation.set(slot, index);
    this.#annotations.set(slot, count + 1);
    return before;
  }
}
