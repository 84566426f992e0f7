import type { CocoObject } from './annotation.ts';

const COMMA = 0x2c;
const POINT = 0x2e;
const ZERO = 0x30;
const OPEN = 0x5b;
const CLOSE = 0x5d;
/** The longest number of JSON, and what is beside it. */
const NUMBER_BYTES = 30;
/** What is in every object but its lists: names, brackets and numbers. */
const FIXED_BYTES = 400;

/**
 * The JSON of annotations, as `JSON.stringify` has it. Most of it is coordinates in hundredths of a pixel; their digits
 * are written right into the bytes, which takes half the time.
 */
export class ObjectJson {
  #bytes = Buffer.allocUnsafe(65_536);
  #length = 0;

  /** The elements of a list, without its brackets. */
  elements(objects: readonly CocoObject[]): string {
    this.#length = 0;
    for (const object of objects) {
      if (this.#length > 0) this.#bytes[this.#length++] = COMMA;
      this.#object(object);
    }
    return this.#bytes.toString('utf8', 0, this.#length);
  }

  #object(object: CocoObject): void {
    this.#reserve(FIXED_BYTES);
    this.#ascii('{"id":');
    this.#number(object.id);
    this.#ascii(',"image_id":');
    this.#number(object.image_id);
    this.#ascii(',"category_id":');
    this.#number(object.category_id);
    this.#ascii(',"bbox":');
    this.#numbers(object.bbox);
    this.#ascii(',"area":');
    this.#number(object.area);
    this.#ascii(',"iscrowd":');
    this.#number(object.iscrowd);
    this.#ascii(',"segmentation":');
    if (Array.isArray(object.segmentation)) this.#lists(object.segmentation);
    else this.#text(JSON.stringify(object.segmentation));
    if (object.keypoints !== undefined) {
      this.#ascii(',"keypoints":');
      this.#numbers(object.keypoints.flat);
      this.#ascii(',"num_keypoints":');
      this.#number(object.keypoints.labelled);
    }
    const rest = JSON.stringify(object.rest);
    if (rest !== '{}') this.#text(`,${rest.slice(1, -1)}`);
    this.#ascii('}');
  }

  #lists(lists: readonly (readonly number[])[]): void {
    this.#bytes[this.#length++] = OPEN;
    for (let i = 0; i < lists.length; i++) {
      if (i > 0) this.#bytes[this.#length++] = COMMA;
      this.#numbers(lists[i]!);
    }
    this.#bytes[this.#length++] = CLOSE;
  }

  #numbers(numbers: readonly number[]): void {
    this.#reserve(numbers.length * NUMBER_BYTES);
    this.#bytes[this.#length++] = OPEN;
    for (let i = 0; i < numbers.length; i++) {
      if (i > 0) this.#bytes[this.#length++] = COMMA;
      this.#number(numbers[i]!);
    }
    this.#bytes[this.#length++] = CLOSE;
  }

  #number(value: number): void {
    const hundredths = Math.round(value * 100);
    // A double that is so many hundredths has no shorter decimal: no two of up to 15 digits are one double.
    if (hundredths >= 0 && hundredths < 0x7fffffff && hundredths / 100 === value)
      this.#digits(hundredths | 0);
    else this.#ascii(JSON.stringify(value));
  }

  #digits(hundredths: number): void {
    const bytes = this.#bytes;
    const whole = (hundredths / 100) | 0;
    const part = hundredths - whole * 100;
    let end = this.#length + 1;
    for (let bound = 10; bound <= whole; bound *= 10) end++;
    let rest = whole;
    for (let at = end - 1; at >= this.#length; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    if (part > 0) {
      const tens = (part / 10) | 0;
      const ones = part - tens * 10;
      bytes[end++] = POINT;
      bytes[end++] = ZERO + tens;
      if (ones > 0) bytes[end++] = ZERO + ones;
    }
    this.#length = end;
  }

  /** For what is short; there is room for it. */
  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  #text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Makes room for so many bytes, and for the fixed ones behind them. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes + FIXED_BYTES;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
