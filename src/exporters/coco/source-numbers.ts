import { KeyTable } from '../../io/key-table.ts';
import type { Annotation } from '../../model/annotation.ts';
import type { ExportSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Metadata } from '../../model/labels.ts';
import { sourceOf } from './annotation.ts';

/**
 * Which images and annotations keep the number that an imported COCO file gave them, and where new numbers begin. A
 * number that two of one split have is kept by neither. 16 bytes a number, 26 while the table is filled.
 */
export class SourceNumbers {
  /** Above all that are kept. */
  nextImage = 1;
  nextAnnotation = 1;
  /** How often each is used, by split. */
  readonly #uses = new KeyTable();

  /** Reads the version once. `splitOf`: the file that an input is in. */
  static async of(
    source: ExportSource,
    splitOf: (input: Input) => string,
    signal: AbortSignal,
  ): Promise<SourceNumbers> {
    const numbers = new SourceNumbers();
    for await (const input of source.inputs()) {
      signal.throwIfAborted();
      if (input.kind === 'image') numbers.#count(input, splitOf(input));
    }
    return numbers;
  }

  image(input: Input, split: string): number | undefined {
    return this.#ifUnique(imageNumber(input), `i${split}`);
  }

  annotation(annotation: Annotation, split: string): number | undefined {
    return this.#ifUnique(annotationNumber(annotation), `a${split}`);
  }

  #count(input: Input, split: string): void {
    const image = imageNumber(input);
    if (image !== undefined) {
      this.#use(image, `i${split}`);
      this.nextImage = Math.max(this.nextImage, image + 1);
    }
    for (const annotation of input.annotations) {
      const number = annotationNumber(annotation);
      if (number === undefined) continue;
      this.#use(number, `a${split}`);
      this.nextAnnotation = Math.max(this.nextAnnotation, number + 1);
    }
  }

  #use(number: number, list: string): void {
    const key = `${list}\n${number}`;
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
  }

  #ifUnique(number: number | undefined, list: string): number | undefined {
    return number !== undefined && this.#uses.get(`${list}\n${number}`) === 1 ? number : undefined;
  }
}

const imageNumber = ({ metadata }: Input): number | undefined =>
  numberOf((metadata['coco'] as Metadata | undefined)?.['id']);

const annotationNumber = (annotation: Annotation): number | undefined =>
  annotation.region === undefined ? undefined : numberOf(sourceOf(annotation)['id']);

/** pycocotools takes an annotation of the number 0 for one that matches nothing, so 0 is not kept. */
const numberOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) < Number.MAX_SAFE_INTEGER
    ? (value as number)
    : undefined;
