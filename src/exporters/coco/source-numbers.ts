import { NumberList } from '../../formats/coco/number-list.ts';
import type { Annotation } from '../../model/annotation.ts';
import type { ExportSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Metadata } from '../../model/labels.ts';
import { sourceOf } from './annotation.ts';

/**
 * Which images and annotations keep the number that an imported COCO file gave them, and where new numbers begin. A
 * number that two of one split have is kept by neither. 16 bytes a number while they are counted, none afterwards.
 */
export class SourceNumbers {
  readonly #images = new Numbers(imageNumber);
  readonly #annotations = new Numbers(annotationNumber);

  /** Reads the version once. `splitOf`: the file that an input is in. */
  static async of(
    source: ExportSource,
    splitOf: (input: Input) => string,
    signal: AbortSignal,
  ): Promise<SourceNumbers> {
    const numbers = new SourceNumbers();
    for await (const input of source.inputs()) {
      signal.throwIfAborted();
      if (input.kind !== 'image') continue;
      const split = splitOf(input);
      numbers.#images.count(input, split);
      for (const annotation of input.annotations) numbers.#annotations.count(annotation, split);
    }
    numbers.#images.settle();
    numbers.#annotations.settle();
    return numbers;
  }

  get nextImage(): number {
    return this.#images.next;
  }

  get nextAnnotation(): number {
    return this.#annotations.next;
  }

  image(input: Input, split: string): number | undefined {
    return this.#images.kept(input, split);
  }

  annotation(annotation: Annotation, split: string): number | undefined {
    return this.#annotations.kept(annotation, split);
  }
}

class Numbers<Of> {
  /** Above all that are kept. */
  next = 1;
  readonly #numberOf: (of: Of) => number | undefined;
  readonly #all = new Map<string, NumberList>();
  readonly #repeated = new Map<string, Set<number>>();

  constructor(numberOf: (of: Of) => number | undefined) {
    this.#numberOf = numberOf;
  }

  count(of: Of, split: string): void {
    const number = this.#numberOf(of);
    if (number === undefined) return;
    const list = this.#all.get(split) ?? new NumberList(Float64Array);
    if (list.length === 0) this.#all.set(split, list);
    list.push(number);
    if (number >= this.next) this.next = number + 1;
  }

  /** Finds those that are there more than once; nothing is counted any more. */
  settle(): void {
    for (const [split, list] of this.#all) {
      const sorted = Float64Array.from({ length: list.length }, (_, i) => list.get(i)).sort();
      this.#repeated.set(split, new Set(sorted.filter((number, i) => number === sorted[i - 1])));
    }
    this.#all.clear();
  }

  kept(of: Of, split: string): number | undefined {
    const number = this.#numberOf(of);
    return number === undefined || this.#repeated.get(split)!.has(number) ? undefined : number;
  }
}

function imageNumber({ metadata }: Input): number | undefined {
  return numberOf((metadata['coco'] as Metadata | undefined)?.['id']);
}

function annotationNumber(annotation: Annotation): number | undefined {
  return annotation.region === undefined ? undefined : numberOf(sourceOf(annotation)['id']);
}

/** pycocotools takes an annotation of the number 0 for one that matches nothing, so 0 is not kept. */
const numberOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) < Number.MAX_SAFE_INTEGER
    ? (value as number)
    : undefined;
