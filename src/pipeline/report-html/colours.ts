import type { Annotation } from '../../model/annotation.ts';

/** Told apart on photos, in both colour schemes, and as far as possible without red-green vision. */
const PALETTE = [
  '#ff5a5f',
  '#2fb5ff',
  '#ffc02e',
  '#19c9a3',
  '#b07cff',
  '#ff8a3d',
  '#7ddc4a',
  '#ff7cc8',
  '#5c7cff',
  '#d6b48a',
];
/** Of annotations without a concept. */
const PLAIN = '#f5f5f5';

/** Each class has one colour on the whole page; the most frequent ones differ. */
export class ClassColours {
  readonly #colours = new Map<string, string>();

  constructor(annotations: Iterable<Annotation>) {
    const counts = new Map<string, number>();
    for (const annotation of annotations) {
      const id = classOf(annotation)?.id;
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    [...counts]
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .forEach(([id], i) => {
        this.#colours.set(id, PALETTE[i % PALETTE.length]!);
      });
  }

  of(annotation: Annotation): string {
    return this.#colours.get(classOf(annotation)?.id ?? '') ?? PLAIN;
  }
}

/** The concept that an annotation is shown by: the first one that is present. */
export const classOf = ({ concepts }: Annotation): Annotation['concepts'][number] | undefined =>
  concepts.find(({ value }) => value > 0) ?? concepts[0];
