import { checkAnnotations } from '../annotations/check.ts';
import type { Annotation, AnnotationProblem } from '../model/annotation.ts';
import type { Code } from '../model/codes.ts';
import type { Context, ItemLabels, SourceItem } from '../model/contracts.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import type { Concept } from '../model/labels.ts';
import type { AnnotationOutcomes, Outcome } from '../model/outcome.ts';

/** What an item is that labels are about. */
export interface Labelled {
  kind: Kind;
  media: MediaInfo;
  /** Of a text whose characters are known: UTF-16 code units, as spans count them. */
  textLength?: number;
}

export interface CheckedAnnotations {
  annotations: Annotation[];
  problems: AnnotationProblem[];
  warnings: Code[];
}

/** Whether anything must be loaded or checked for an item before it is ready. */
export const hasLabels = (item: SourceItem): boolean =>
  item.pending !== undefined || item.annotations !== undefined;

/** How many annotations an item has, as far as is known before its labels are loaded. */
export function promisedAnnotations({ annotations, pending }: SourceItem): number {
  let count = annotations?.length ?? 0;
  for (const labels of pending ?? []) count += labels.annotations;
  return count;
}

/** Of an item that goes no further: its annotations share its outcome. */
export function sharedFate(item: SourceItem): { annotations?: AnnotationOutcomes } {
  const good = promisedAnnotations(item);
  return good === 0 ? {} : { annotations: { good } };
}

/** How many annotations an outcome tells of. */
export const annotationsIn = ({ annotations }: Pick<Outcome, 'annotations'>): number =>
  (annotations?.good ?? 0) + (annotations?.problems?.length ?? 0);

/**
 * Loads what label sources have for an item, puts it beside what the item brings (which wins), and checks all
 * annotations against the media. Annotations that share an id come from the first source that has it.
 */
export async function loadLabels(
  item: SourceItem,
  { kind, media, textLength }: Labelled,
  ctx: Context,
): Promise<CheckedAnnotations> {
  const checked: CheckedAnnotations = { annotations: [], problems: [], warnings: [] };
  const ids = new Set<string>();
  const check = (labels: ItemLabels) => {
    if (labels.annotations === undefined) return;
    const target = {
      inputId: item.id,
      kind,
      media,
      ...(textLength === undefined ? {} : { textLength }),
      ...(labels.labelledSize === undefined ? {} : { labelledSize: labels.labelledSize }),
    };
    const { annotations, problems, warnings } = checkAnnotations(labels.annotations, target);
    for (const annotation of annotations) {
      if (ids.has(annotation.id)) checked.problems.push(repeated(annotation));
      else checked.annotations.push(annotation);
      ids.add(annotation.id);
    }
    checked.problems.push(...problems);
    checked.warnings.push(...warnings.filter((code) => !checked.warnings.includes(code)));
  };
  check(item);
  for (const pending of item.pending ?? []) {
    const labels = await pending.load(ctx);
    addLabels(item, labels);
    check(labels);
  }
  if (item.pending?.length === 0) checked.warnings.push('UNLABELLED');
  return checked;
}

/** What the item has already stays. */
function addLabels(item: SourceItem, labels: ItemLabels): void {
  if (labels.concepts !== undefined) item.concepts = addConcepts(item.concepts, labels.concepts);
  if (labels.metadata !== undefined) item.metadata = { ...labels.metadata, ...item.metadata };
  if (item.geo === undefined && labels.geo !== undefined) item.geo = labels.geo;
  if (item.split === undefined && labels.split !== undefined) item.split = labels.split;
}

/** The concepts of an item with those of another source, of which an id that the item has is left out. */
export function addConcepts(own: Concept[] | undefined, others: readonly Concept[]): Concept[] {
  const ids = new Set(own?.map(({ id }) => id));
  return [...(own ?? []), ...others.filter(({ id }) => !ids.has(id))];
}

const repeated = ({ id }: Annotation): AnnotationProblem => ({
  ref: id,
  code: 'ANNOTATION_DUPLICATE',
  message: `another label source of the run has an annotation with the id ${id} for this input`,
  measured: id,
});
