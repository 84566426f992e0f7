import type { ConceptDefinition } from '../../model/annotation.ts';
import type { Concept } from '../../model/labels.ts';
import { idKey, isObject, type JsonObject } from './element-json.ts';

export interface Category {
  readonly concept: Concept;
  /** Names of its key points, in order. */
  readonly keypoints: readonly string[];
  /** Whether an earlier category has the same name, so that only its number tells the two apart. */
  readonly repeated: boolean;
}

/** The categories of one COCO file; those of one name are one concept. */
export class Categories {
  /** In the order of the file, one for each name. */
  readonly definitions: ConceptDefinition[] = [];
  readonly #byId = new Map<string, Category | { conflict: string }>();
  readonly #names = new Set<string>();

  /** Elements that declare no category, for lack of an id or a name, are left out: who names them is told. */
  add(element: unknown): void {
    if (!isObject(element)) return;
    const key = idKey(element['id']);
    const name = nameOf(element['name']);
    if (key === undefined || name === undefined) return;
    const known = this.#byId.get(key);
    if (known !== undefined) {
      if ('concept' in known && known.concept.name !== name)
        this.#byId.set(key, { conflict: `both ${known.concept.name} and ${name}` });
      return;
    }
    const definition = definitionOf(element, name);
    const repeated = this.#names.has(name);
    this.#names.add(name);
    if (!repeated) this.definitions.push(definition);
    this.#byId.set(key, {
      concept: { id: name, name, value: 1 },
      keypoints: definition.keypoints ?? [],
      repeated,
    });
  }

  /** The category of an id; or, as a phrase, why there is none. */
  find(id: unknown): Category | string {
    const key = idKey(id);
    if (key === undefined) return id === undefined ? 'category_id is missing' : 'category_id is no id';
    const found = this.#byId.get(key);
    if (found === undefined) return `no category with a name has the id ${key}`;
    return 'conflict' in found ? `the category id ${key} is declared as ${found.conflict}` : found;
  }
}

function nameOf(name: unknown): string | undefined {
  if (typeof name === 'number') return String(name);
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function definitionOf(element: JsonObject, name: string): ConceptDefinition {
  const { id, supercategory, keypoints, skeleton, color } = element;
  const definition: ConceptDefinition = { id: name, name };
  const sourceId = Number(id);
  if (Number.isSafeInteger(sourceId)) definition.sourceId = sourceId;
  if (typeof supercategory === 'string' && supercategory !== '') definition.supercategory = supercategory;
  if (Array.isArray(keypoints) && keypoints.length > 0) definition.keypoints = keypoints.map(String);
  if (isTuples(skeleton, 2) && skeleton.length > 0) definition.skeleton = skeleton as [number, number][];
  if (isTuples([color], 3)) definition.color = color as [number, number, number];
  return definition;
}

const isTuples = (value: unknown, size: number): value is number[][] =>
  Array.isArray(value) &&
  value.every(
    (tuple) => Array.isArray(tuple) && tuple.length === size && tuple.every((n) => Number.isInteger(n)),
  );
