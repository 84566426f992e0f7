import { Categories } from './categories.ts';
import { elementOf, idKey, isObject } from './element-json.ts';
import { ImageTable } from './image-table.ts';
import { ListScanner, type ReadOn } from './list-scanner.ts';
import { NumberList } from './number-list.ts';

/** Where an element stands in the file, in bytes. */
export interface Place {
  offset: number;
  length: number;
}

/** Elements that belong to no image, by where they stand. */
class Places {
  readonly #offset = new NumberList(Float64Array);
  readonly #length = new NumberList(Uint32Array);

  get length(): number {
    return this.#offset.length;
  }

  push(offset: number, length: number): void {
    this.#offset.push(offset);
    this.#length.push(length);
  }

  get(index: number): Place {
    return { offset: this.#offset.get(index), length: this.#length.get(index) };
  }
}

/** Told every image with an id and a name; answers whether its slot stands for another file already. */
export type OnImage = (slot: number, fileName: string, isNew: boolean) => boolean;

/**
 * Which annotations each image of a COCO file has, and where they stand: about 16 bytes an annotation and 60 an
 * image, whatever the file's size. The lists may come in any order. What is wrong with one element costs only that.
 */
export class CocoIndex {
  readonly categories = new Categories();
  readonly images = new ImageTable();
  /** Image elements without an id or name. */
  readonly brokenImages = new Places();
  /** Annotations without an image id. */
  readonly strayAnnotations = new Places();
  /** Annotations whose id an earlier one has. */
  repeatedIds = 0;
  /** Whether the annotations are those of panoptic segmentation, one for an image. */
  panoptic = false;
  readonly #annotations = new Places();
  /** Of the same image; 0 after the last. */
  readonly #next = new NumberList(Uint32Array);
  #lastImage = Number.NaN;
  #lastSlot = 0;

  /**
   * Reads a file and gives the names of the lists that are missing. Throws BrokenJson, the signal's reason and what `read` throws.
   */
  async read(read: ReadOn, onImage: OnImage, signal: AbortSignal): Promise<string[]> {
    const ids = new NumberList(Float64Array);
    const scanner = new ListScanner(read, {
      categories: {
        element: (bytes, start, end) => this.categories.add(parsed(bytes, start, end)),
      },
      images: {
        element: (bytes, start, end, offset) => this.#addImage(bytes, start, end, offset, onImage),
      },
      annotations: {
        members: ['id', 'image_id'],
        element: (bytes, start, end, offset, memberAt) =>
          this.#addAnnotation(bytes, start, end, offset, memberAt, ids),
      },
    });
    await scanner.run(signal);
    this.repeatedIds = repeatsIn(ids);
    ids.free();
    return ['images', 'annotations'].filter((name) => scanner.met.get(name) !== true);
  }

  /** Where the annotations of an image stand, in the order of the file. */
  annotationsOf(slot: number): Place[] {
    const places: Place[] = [];
    let at = this.images.firstAnnotation(slot);
    for (let left = this.images.annotations(slot); left > 0; left--) {
      places.push(this.#annotations.get(at));
      at = this.#next.get(at);
    }
    return places;
  }

  #addImage(bytes: Buffer, start: number, end: number, offset: number, onImage: OnImage): void {
    const image = parsed(bytes, start, end);
    const key = isObject(image) ? idKey(image['id']) : undefined;
    const fileName = isObject(image) ? image['file_name'] : undefined;
    if (!isObject(image) || key === undefined || typeof fileName !== 'string' || fileName === '') {
      this.brokenImages.push(offset, end - start);
      return;
    }
    const slot = this.images.slotOf(key);
    const isNew = !this.images.isDeclared(slot);
    if (isNew)
      this.images.declare(slot, offset, end - start, {
        width: pixels(image['width']),
        height: pixels(image['height']),
      });
    if (onImage(slot, fileName, isNew)) this.images.contest(slot);
  }

  #addAnnotation(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    memberAt: Int32Array,
    ids: NumberList,
  ): void {
    const slot = this.#imageOf(bytes, start, end, memberAt);
    if (slot === undefined) {
      this.strayAnnotations.push(offset, end - start);
      return;
    }
    const id = integerAt(bytes, memberAt[0]!);
    if (!Number.isNaN(id)) ids.push(id);
    const index = this.#annotations.length;
    this.#annotations.push(offset, end - start);
    this.#next.push(0);
    const before = this.images.addAnnotation(slot, index);
    if (before >= 0) this.#next.set(before, index);
  }

  /** The slot of the annotation's image; undefined when it names none. */
  #imageOf(bytes: Buffer, start: number, end: number, memberAt: Int32Array): number | undefined {
    const imageId = integerAt(bytes, memberAt[1]!);
    if (imageId === this.#lastImage) return this.#lastSlot;
    let key: string | undefined;
    if (Number.isNaN(imageId)) {
      const annotation = parsed(bytes, start, end);
      if (!isObject(annotation)) return undefined;
      key = idKey(annotation['image_id']);
      if (key === undefined) return undefined;
    } else {
      key = String(imageId);
    }
    const slot = this.images.slotOf(key);
    if (this.#next.length === 0) this.panoptic = isPanoptic(bytes, start, end);
    this.#lastImage = imageId;
    this.#lastSlot = slot;
    return slot;
  }
}

/** How many numbers an earlier one equals. */
function repeatsIn(numbers: NumberList): number {
  let ascending = 1;
  while (ascending < numbers.length && numbers.get(ascending) > numbers.get(ascending - 1)) ascending++;
  if (ascending >= numbers.length) return 0;
  const sorted = new Float64Array(numbers.length);
  for (let i = 0; i < sorted.length; i++) sorted[i] = numbers.get(i);
  sorted.sort();
  let repeats = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) repeats++;
  return repeats;
}

function isPanoptic(bytes: Buffer, start: number, end: number): boolean {
  const annotation = parsed(bytes, start, end);
  return isObject(annotation) && Array.isArray(annotation['segments_info']);
}

const parsed = (bytes: Buffer, start: number, end: number): unknown =>
  elementOf(bytes.toString('utf8', start, end));

const pixels = (value: unknown): number => {
  const size = Number(value);
  return Number.isInteger(size) && size > 0 && size < 2 ** 32 ? size : 0;
};

/** Digits of the longest integer that is exact. */
const MAX_DIGITS = 15;

/** The plain integer that begins at `start`; NaN for anything else, which is left to a real parser. */
function integerAt(bytes: Buffer, start: number): number {
  if (start < 0) return Number.NaN;
  const negative = bytes[start] === 0x2d;
  let at = negative ? start + 1 : start;
  const first = at;
  let value = 0;
  for (; bytes[at]! >= 0x30 && bytes[at]! <= 0x39; at++) value = value * 10 + bytes[at]! - 0x30;
  const next = bytes[at]!;
  const ends =
    next === 0x2c || next === 0x7d || next === 0x20 || next === 0x0a || next === 0x0d || next === 9;
  if (at === first || at - first > MAX_DIGITS || !ends) return Number.NaN;
  return negative ? -value : value;
}
