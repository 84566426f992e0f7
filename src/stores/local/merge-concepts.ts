import { isDeepStrictEqual } from 'node:util';
import type { ConceptDefinition } from '../../model/annotation.ts';

export interface AddedDefinitions {
  /** In the order of first definition. */
  definitions: ConceptDefinition[];
  /** Positions in `definitions` of what is new or says more than before. */
  changed: number[];
  /** Ids that came with another supercategory or number than they have. */
  conflicts: string[];
}

/**
 * What is known of concepts after some more were declared: these come behind, each once. A known one keeps its place
 * and all it says, and takes what it did not say yet.
 */
export function addDefinitions(
  known: readonly ConceptDefinition[],
  declared: readonly ConceptDefinition[],
): AddedDefinitions {
  const definitions = [...known];
  const positions = new Map(known.map(({ id }, position) => [id, position]));
  const changed = new Set<number>();
  const conflicts = new Set<string>();
  for (const given of declared) {
    // As it will be read back: without undefined fields, and with an id that UTF-8 can hold.
    const concept = JSON.parse(
      JSON.stringify({ ...given, id: given.id.toWellFormed() }),
    ) as ConceptDefinition;
    const position = positions.get(concept.id);
    const first = position === undefined ? undefined : definitions[position]!;
    const at = position ?? definitions.length;
    const merged = { ...concept, ...first };
    if (first === undefined) positions.set(concept.id, at);
    else if (contradicts(concept, first)) conflicts.add(concept.id);
    if (isDeepStrictEqual(merged, first)) continue;
    definitions[at] = merged;
    changed.add(at);
  }
  return { definitions, changed: [...changed], conflicts: [...conflicts] };
}

const contradicts = (later: ConceptDefinition, first: ConceptDefinition): boolean =>
  differs(later.supercategory, first.supercategory) || differs(later.sourceId, first.sourceId);

const differs = <T>(a: T | undefined, b: T | undefined): boolean =>
  a !== undefined && b !== undefined && a !== b;
