import { partsOf } from '../../annotations/annotated-parts.ts';
import type { Annotation } from '../../model/annotation.ts';
import { ANNOTATED_PARTS, type AnnotatedPart } from '../../model/annotation.ts';
import type { Concept } from '../../model/labels.ts';
import { compareUtf8 } from './id-order.ts';
import { columnNames, sqlText, type Table } from './lance.ts';
import { rangeBounds } from './ranges.ts';
import { stringColumn } from './result.ts';
import { NO_ANNOTATIONS } from './rows.ts';

/** How often a concept is present (value 1) and negative (value 0). */
export interface ConceptCount {
  id: string;
  name: string;
  positive: number;
  negative: number;
}

export interface AnnotationCounts {
  total: number;
  /** Inputs that have any. */
  inputs: number;
  /** A region with a box and a mask counts in both; an annotation of the whole input in none. */
  byPart: Partial<Record<AnnotatedPart, number>>;
  concepts: ConceptCount[];
}

/** Counts concepts by id; the name is the first one met. */
export class ConceptCounter {
  readonly #counts = new Map<string, ConceptCount>();

  add({ id, name, value }: Concept): void {
    const counted = this.#counts.get(id) ?? { id, name, positive: 0, negative: 0 };
    if (value > 0) counted.positive++;
    else counted.negative++;
    this.#counts.set(id, counted);
  }

  /** By id. */
  counts(): ConceptCount[] {
    return [...this.#counts.values()].sort((a, b) => compareUtf8(a.id, b.id));
  }
}

export const noAnnotations = (): AnnotationCounts => ({ total: 0, inputs: 0, byPart: {}, concepts: [] });

/** Counts the annotations of the inputs that a filter chooses, holding a bounded part of them at once. */
export async function countAnnotations(inputs: Table, filter: string): Promise<AnnotationCounts> {
  const counts = noAnnotations();
  if (!(await columnNames(inputs)).includes('annotations')) return counts;
  const byPart = new Map<AnnotatedPart, number>();
  const concepts = new ConceptCounter();
  const annotated = [filter, '`annotationBytes` > 0'];
  let after: string | undefined;
  for (const bound of [...(await rangeBounds(inputs, annotated)), undefined]) {
    const where = [
      ...annotated,
      ...(after === undefined ? [] : [`id > ${sqlText(after)}`]),
      ...(bound === undefined ? [] : [`id <= ${sqlText(bound)}`]),
    ].join(' AND ');
    for await (const batch of inputs.query().where(where).select(['annotations'])) {
      for (const json of stringColumn(batch, 'annotations')) {
        const annotations = JSON.parse(json ?? NO_ANNOTATIONS) as Annotation[];
        counts.inputs++;
        counts.total += annotations.length;
        for (const annotation of annotations) {
          for (const concept of annotation.concepts) concepts.add(concept);
          for (const part of partsOf(annotation)) byPart.set(part, (byPart.get(part) ?? 0) + 1);
        }
      }
    }
    after = bound;
  }
  for (const part of ANNOTATED_PARTS) if (byPart.has(part)) counts.byPart[part] = byPart.get(part)!;
  counts.concepts = concepts.counts();
  return counts;
}
