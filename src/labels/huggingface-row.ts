import { parsePythonDict } from '../formats/csv/python-dict.ts';
import type { AnnotationDraft, AnnotationEntry, AnnotationProblem, Box } from '../model/annotation.ts';
import type { ItemLabels } from '../model/contracts.ts';
import { asError } from '../model/errors.ts';
import type { Concept, Metadata } from '../model/labels.ts';
import { FILE_NAME } from './huggingface-rows.ts';

const LABELS = ['label', 'labels'];
const OBJECTS = 'objects';
const CATEGORIES = ['categories', 'category', 'labels', 'label'];
const IDS = ['id', 'ids'];
/** An index of ClassLabel that says that there is no label. */
const UNLABELLED = -1;

/**
 * What a row says of its file: `label` or `labels` are concepts, `objects` boxes, all else metadata. `ref` names the
 * row in messages; `names` are those of labels that are given by index.
 */
export function labelsOfRow(
  values: Readonly<Record<string, unknown>>,
  ref: string,
  names: readonly string[] | undefined,
): ItemLabels {
  const concepts = new Map<string, Concept>();
  const annotations: AnnotationEntry[] = [];
  const metadata: Metadata = {};
  for (const [column, value] of Object.entries(values)) {
    if (value === null || column === FILE_NAME) continue;
    try {
      if (LABELS.includes(column)) {
        const labels = column === 'labels' ? listOf(value) : [value].flat();
        for (const label of labels) addConcept(concepts, conceptOf(label, names));
      } else if (column === OBJECTS) annotations.push(...objectsOf(parsed(value), ref, names));
      else metadata[column] = value;
    } catch (error) {
      annotations.push(problemOf(error, `${ref}: ${column}`, ref));
    }
  }
  return {
    ...(concepts.size === 0 ? {} : { concepts: [...concepts.values()] }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(annotations.length === 0 ? {} : { annotations }),
  };
}

class UnknownConcept extends Error {}

function conceptOf(label: unknown, names: readonly string[] | undefined): Concept | undefined {
  if (typeof label !== 'string' && typeof label !== 'number')
    throw new Error(`expected a name or an index, found ${JSON.stringify(label)?.slice(0, 80)}`);
  const text = String(label).trim();
  if (text === '') return undefined;
  if (names === undefined || !/^-?\d+$/.test(text)) return { id: text, name: text, value: 1 };
  const index = Number(text);
  if (index === UNLABELLED) return undefined;
  const name = names[index];
  if (name === undefined)
    throw new UnknownConcept(`the label ${index} has no name; there are ${names.length}`);
  return { id: name, name, value: 1 };
}

function addConcept(concepts: Map<string, Concept>, concept: Concept | undefined): void {
  if (concept !== undefined) concepts.set(concept.id, concept);
}

/** A list as JSON or Python writes it, or names apart by commas. */
function listOf(value: unknown): unknown[] {
  if (typeof value !== 'string') return [value].flat();
  return /^\s*\[/.test(value) ? [parsed(value)].flat() : value.split(',');
}

/** The cell of a CSV is a text that holds JSON, or a literal of Python. */
function parsed(value: unknown): unknown {
  return typeof value === 'string' ? parsePythonDict(value) : value;
}

/** Boxes as one object of lists, as the library keeps them, or as a list of objects. */
function objectsOf(value: unknown, ref: string, names: readonly string[] | undefined): AnnotationEntry[] {
  const objects = Array.isArray(value) ? value : isObject(value) ? objectsOfLists(value) : undefined;
  if (objects === undefined)
    throw new Error('expected {"bbox": [[x, y, width, height], …], "categories": […]}');
  return objects.map((object, i) => {
    const place = `${ref}/objects/${i}`;
    try {
      if (!isObject(object)) throw new Error('expected an object');
      return draftOf(object, place, names);
    } catch (error) {
      return problemOf(error, place, place);
    }
  });
}

function objectsOfLists(lists: Record<string, unknown>): Record<string, unknown>[] {
  const columns = Object.entries(lists).filter(([, list]) => Array.isArray(list)) as [string, unknown[]][];
  const length = Math.max(0, ...columns.map(([, list]) => list.length));
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(columns.filter(([, list]) => i < list.length).map(([name, list]) => [name, list[i]])),
  );
}

function draftOf(
  object: Record<string, unknown>,
  ref: string,
  names: readonly string[] | undefined,
): AnnotationDraft {
  const { bbox, ...rest } = object;
  const category = CATEGORIES.find((name) => name in rest);
  const idName = IDS.find((name) => name in rest);
  const id = idName === undefined ? undefined : rest[idName];
  const concept = category === undefined ? undefined : conceptOf(rest[category], names);
  const others = Object.entries(rest).filter(([name]) => name !== category && name !== idName);
  return {
    ...(typeof id === 'string' || typeof id === 'number' ? { id: String(id) } : {}),
    ref,
    unit: 'pixels',
    concepts: concept === undefined ? [] : [concept],
    region: { box: boxOf(bbox) },
    ...(others.length === 0 ? {} : { info: { huggingface: Object.fromEntries(others) } }),
  };
}

/** x, y, width and height in pixels. */
function boxOf(bbox: unknown): Box {
  const isBox =
    Array.isArray(bbox) &&
    bbox.length === 4 &&
    bbox.every((each) => typeof each === 'number' && Number.isFinite(each));
  if (!isBox)
    throw new Error(`bbox: expected [x, y, width, height], found ${JSON.stringify(bbox)?.slice(0, 80)}`);
  const [left, top, width, height] = bbox as [number, number, number, number];
  if (width < 0 || height < 0) throw new Error(`bbox: a box of ${width} × ${height} pixels`);
  return { top, left, bottom: top + height, right: left + width };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function problemOf(error: unknown, place: string, ref: string): AnnotationProblem {
  const code = error instanceof UnknownConcept ? 'CONCEPT_UNKNOWN' : 'ANNOTATION_INVALID_ARGUMENT';
  return { ref, code, message: `${place}: ${asError(error).message}` };
}
