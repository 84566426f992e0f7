import type { AnnotationDraft, AnnotationEntry } from '../../model/annotation.ts';
import type { Metadata } from '../../model/labels.ts';
import type { Categories } from './categories.ts';
import { idKey, isObject, type JsonObject } from './element-json.ts';
import { EntryFault, regionOf } from './region.ts';

/**
 * What an annotation of a COCO file says, as one annotation however many parts it has. What the model has no place
 * for is kept in `info.coco`: the number, area and iscrowd, attributes, and any member that is not known.
 *
 * A caption becomes `info.caption`. `file` is the file's name as references show it.
 */
export function annotationOf(
  element: unknown,
  file: string,
  offset: number,
  categories: Categories,
): AnnotationEntry {
  const id = isObject(element) ? idKey(element['id']) : undefined;
  const ref = `${file}#annotations/${id ?? `@${offset}`}`;
  try {
    return draftOf(objectOf(element), id, ref, categories);
  } catch (error) {
    if (error instanceof EntryFault) return { ref, code: error.code, message: error.message };
    throw error;
  }
}

function objectOf(element: unknown): JsonObject {
  if (isObject(element)) return element;
  const what = element instanceof Error ? `it is no JSON: ${element.message}` : 'it is no JSON object';
  throw new EntryFault('ANNOTATION_INVALID_ARGUMENT', what);
}

/** Members that the model has a place for. */
const MODELLED = new Set([
  'image_id',
  'category_id',
  'bbox',
  'segmentation',
  'keypoints',
  'score',
  'caption',
]);

function draftOf(
  annotation: JsonObject,
  id: string | undefined,
  ref: string,
  categories: Categories,
): AnnotationDraft {
  const { category_id, score, caption } = annotation;
  // A loop, for a rest pattern is slower, and this runs for every annotation.
  const coco: Metadata = {};
  for (const name in annotation) if (!MODELLED.has(name)) coco[name] = annotation[name];
  const draft: AnnotationDraft = { ref, unit: 'pixels', concepts: [] };
  const category = categories.find(category_id);
  if (typeof category !== 'string') {
    const { id: conceptId, name, value } = category.concept;
    draft.concepts.push({ id: conceptId, name, value });
    if (category.repeated) coco['category_id'] = category_id;
  } else if (typeof caption !== 'string') {
    throw new EntryFault('CONCEPT_UNKNOWN', category);
  }
  const region = regionOf(annotation, typeof category === 'string' ? [] : category.keypoints);
  if (region !== undefined) draft.region = region;
  // Captions and labels of a whole image are numbered apart from objects, in files of their own.
  const prefix = typeof caption === 'string' ? 'caption-' : region === undefined ? 'label-' : '';
  if (id !== undefined) draft.id = prefix + id;
  if (typeof score === 'number') draft.score = score;
  else if (score !== undefined) coco['score'] = score;
  draft.info = typeof caption === 'string' ? { caption, coco } : { coco };
  return draft;
}
