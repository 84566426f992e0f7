import { FatalError } from '../../model/errors.ts';
import type { Input } from '../../model/input.ts';
import type { ClassMap } from '../class-map.ts';
import { type Category, type CocoObject, hasDetails, objectsOf } from './annotation.ts';
import { categoryOf, imageOf } from './document.ts';
import type { Tally } from './losses.ts';
import type { Segmentation } from './outline.ts';
import type { Size } from './pixels.ts';
import type { SourceNumbers } from './source-numbers.ts';

/** The numbers that come next. */
export interface Counters {
  image: number;
  annotation: number;
}

/** What an image and its annotations become. */
export interface ImageLabels {
  image: object;
  objects: CocoObject[];
  /** Annotations that are in the files, in whatever form, and those that are not. */
  written: number;
  leftOut: number;
}

/** Makes elements of COCO's lists, and numbers them. */
export class Labeller {
  readonly #categories: ReadonlyMap<string, Category>;
  readonly #segmentation: Segmentation;
  readonly #unlabelled: Category | undefined;
  readonly #numbers: SourceNumbers | undefined;
  readonly counters: Counters;

  constructor(
    classes: ClassMap,
    options: { segmentation: Segmentation; unlabelled?: string | undefined },
    numbers: SourceNumbers | undefined,
    counters: Counters,
  ) {
    this.#categories = new Map(classes.classes.map((each) => [each.concept.id, categoryOf(each)]));
    this.#segmentation = options.segmentation;
    this.#unlabelled =
      options.unlabelled === undefined ? undefined : this.#categories.get(options.unlabelled);
    this.#numbers = numbers;
    this.counters = { ...counters };
  }

  label(input: Input, size: Size, split: string, fileName: string, tally: Tally): ImageLabels {
    const imageId = this.#numbers?.image(input, split) ?? this.counters.image++;
    const labels = { written: 0, leftOut: 0 };
    const objects: CocoObject[] = [];
    const ofImage = [...input.concepts];
    for (const annotation of input.annotations) {
      let isWritten = true;
      if (annotation.region !== undefined) {
        const own = this.#objects(annotation, size, tally);
        const sourceId = this.#numbers?.annotation(annotation, split);
        own.forEach((object, i) => {
          object.id = (i === 0 ? sourceId : undefined) ?? this.counters.annotation++;
          object.image_id = imageId;
          objects.push(object);
        });
        isWritten = own.length > 0;
      } else if (annotation.concepts.length > 0) {
        ofImage.push(...annotation.concepts);
        if (hasDetails(annotation)) tally.add('annotation-details');
      } else {
        tally.add('captions');
        isWritten = false;
      }
      labels[isWritten ? 'written' : 'leftOut']++;
    }
    if (ofImage.length > 0) tally.add('image-concepts', ofImage.length);
    if (hasInputDetails(input)) tally.add('input-details');
    const numbersOf = (isPresent: boolean) => [
      ...new Set(
        ofImage.filter(({ value }) => (value !== 0) === isPresent).map(({ id }) => this.#category(id).id),
      ),
    ];
    return {
      image: imageOf(input, imageId, fileName, numbersOf(true), numbersOf(false)),
      objects,
      ...labels,
    };
  }

  #objects(annotation: Input['annotations'][number], size: Size, tally: Tally): CocoObject[] {
    const options = {
      segmentation: this.#segmentation,
      unlabelled: this.#unlabelled,
      categoryOf: (id: string) => this.#category(id),
    };
    return objectsOf(annotation, size, options, tally);
  }

  #category(conceptId: string): Category {
    const category = this.#categories.get(conceptId);
    if (category !== undefined) return category;
    throw new FatalError(
      'EXPORT_INCOMPLETE',
      `the version does not list the concept ${conceptId} of its annotations`,
    );
  }
}

const hasInputDetails = ({ text, geo, metadata }: Input): boolean =>
  text !== undefined || geo !== undefined || Object.keys(metadata).some((name) => name !== 'coco');
