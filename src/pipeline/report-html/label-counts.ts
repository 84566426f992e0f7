import type { Annotation } from '../../model/annotation.ts';
import type { Input } from '../../model/input.ts';
import type { Concept } from '../../model/labels.ts';
import type { LocalReader } from '../../stores/index.ts';

/** Concepts told apart; a data set whose captions were taken for labels must not fill the memory. */
const MAX_CONCEPTS = 50_000;

export interface ConceptTally {
  id: string;
  name: string;
  positive: number;
  negative: number;
}

/** Labels of what a run stored. */
export interface LabelCounts {
  inputs: number;
  /** Inputs that have neither concepts nor annotations. */
  unlabelled: number;
  ofInputs: ConceptCounts;
  ofAnnotations: ConceptCounts;
  annotations: number;
  /** An annotation with a box and a mask counts in both. */
  shapes: Map<Shape, number>;
}

const SHAPES = [
  'box',
  'polygon',
  'mask',
  'point',
  'key points',
  'text span',
  'video frame',
  'time segment',
  'whole input',
] as const;
export type Shape = (typeof SHAPES)[number];

export class ConceptCounts {
  readonly #counts = new Map<string, ConceptTally>();
  /** There are more concepts than are told apart. */
  overflowed = false;

  add({ id, name, value }: Concept): void {
    let tally = this.#counts.get(id);
    if (tally === undefined) {
      if (this.#counts.size >= MAX_CONCEPTS) {
        this.overflowed = true;
        return;
      }
      tally = { id, name, positive: 0, negative: 0 };
      this.#counts.set(id, tally);
    }
    if (value > 0) tally.positive++;
    else tally.negative++;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Most frequent first, then by id. */
  get ranked(): ConceptTally[] {
    const total = ({ positive, negative }: ConceptTally) => positive + negative;
    return [...this.#counts.values()].sort((a, b) => total(b) - total(a) || (a.id < b.id ? -1 : 1));
  }
}

/** Over every input of a run. Throws the signal's reason. */
export async function countLabels(
  reader: LocalReader,
  runId: string,
  signal: AbortSignal,
): Promise<LabelCounts> {
  const counts = emptyCounts();
  for await (const labels of reader.runLabels(runId)) {
    signal.throwIfAborted();
    addLabels(counts, labels);
  }
  return counts;
}

export const emptyCounts = (): LabelCounts => ({
  inputs: 0,
  unlabelled: 0,
  ofInputs: new ConceptCounts(),
  ofAnnotations: new ConceptCounts(),
  annotations: 0,
  shapes: new Map(SHAPES.map((shape) => [shape, 0])),
});

export function addLabels(
  counts: LabelCounts,
  { concepts, annotations }: Pick<Input, 'concepts' | 'annotations'>,
): void {
  counts.inputs++;
  if (concepts.length + annotations.length === 0) counts.unlabelled++;
  for (const concept of concepts) counts.ofInputs.add(concept);
  for (const annotation of annotations) {
    counts.annotations++;
    for (const concept of annotation.concepts) counts.ofAnnotations.add(concept);
    for (const shape of shapesOf(annotation)) counts.shapes.set(shape, counts.shapes.get(shape)! + 1);
  }
}

function shapesOf({ region, span, frame, segment }: Annotation): Shape[] {
  const shapes: Shape[] = [];
  if (region?.box !== undefined) shapes.push('box');
  if (region?.polygon !== undefined) shapes.push('polygon');
  if (region?.mask !== undefined) shapes.push('mask');
  if (region?.point !== undefined) shapes.push('point');
  if (region?.keypoints !== undefined) shapes.push('key points');
  if (span !== undefined) shapes.push('text span');
  if (frame !== undefined) shapes.push('video frame');
  if (segment !== undefined) shapes.push('time segment');
  return shapes.length > 0 ? shapes : ['whole input'];
}
