import { combineRuns } from '../annotations/combine-runs.ts';
import { maskOfRuns } from '../annotations/mask.ts';
import type { Runs } from '../annotations/runs.ts';
import { runsByValue, type ValueRuns } from '../annotations/value-runs.ts';
import type { MaskRaster } from '../media/mask-image.ts';
import type {
  AnnotationDraft,
  AnnotationEntry,
  AnnotationProblem,
  ConceptDefinition,
} from '../model/annotation.ts';
import { type ClassMap, shownValue } from './class-map.ts';

/** Values without a class that are named one by one; a mask that was scaled may have thousands. */
const MAX_UNKNOWN = 16;

export type MaskMode = 'index' | 'color' | 'binary';

/** An annotation for each class of a mask, and a problem for each value that has none. `uri` is that of the mask. */
export function maskEntries(
  uri: string,
  { width, height, values }: MaskRaster,
  classes: ClassMap,
  mode: MaskMode,
): AnnotationEntry[] {
  if (mode === 'binary') for (let i = 0; i < values.length; i++) values[i] = values[i] === 0 ? 0 : 1;
  const all = runsByValue(values, (value) => classes.classOf(value) !== undefined);
  const isBackground = ({ value }: ValueRuns) =>
    classes.isIgnored(value) || (mode === 'binary' && value === 0);
  const unknown = all.filter((each) => each.runs === undefined && !isBackground(each));
  const drafts = [...runsByClass(all, classes)].map(
    ([{ id, name }, runs]): AnnotationDraft => ({
      id,
      ref: `${uri}#${id}`,
      unit: 'pixels',
      concepts: [{ id, name, value: 1 }],
      region: { mask: maskOfRuns(runs, width, height) },
    }),
  );
  return [...drafts, ...unknownValues(uri, unknown, mode)];
}

/** In the order of the class map. */
function runsByClass(all: readonly ValueRuns[], classes: ClassMap): Map<ConceptDefinition, Runs> {
  const byId = new Map<string, Runs>();
  for (const { value, runs } of all) {
    const id = classes.classOf(value)?.id;
    if (id === undefined || runs === undefined) continue;
    const others = byId.get(id);
    byId.set(id, others === undefined ? runs : combineRuns(others, runs, 'union'));
  }
  const present = classes.concepts.filter(({ id }) => byId.has(id));
  return new Map(present.map((concept) => [concept, byId.get(concept.id)!]));
}

/** The most frequent ones by name, the rest together. */
function unknownValues(uri: string, unknown: ValueRuns[], mode: MaskMode): AnnotationProblem[] {
  const [one, many] = mode === 'color' ? ['colour', 'colours'] : ['index', 'indexes'];
  unknown.sort((a, b) => b.pixels - a.pixels || a.value - b.value);
  const named = unknown.slice(0, unknown.length > MAX_UNKNOWN ? MAX_UNKNOWN - 1 : MAX_UNKNOWN);
  const problems = named.map(({ value, pixels }): AnnotationProblem => {
    const shown = shownValue(value, mode === 'color');
    return {
      ref: `${uri}#${shown}`,
      code: 'CONCEPT_UNKNOWN',
      message: `${uri}: the ${one} ${shown}, of ${pixelCount(pixels)}, has no class`,
      measured: shown,
    };
  });
  const rest = unknown.slice(named.length);
  if (rest.length === 0) return problems;
  const pixels = pixelCount(rest.reduce((sum, each) => sum + each.pixels, 0));
  const message = `${uri}: ${rest.length} more ${many}, of ${pixels} together, have no class`;
  return [...problems, { ref: uri, code: 'CONCEPT_UNKNOWN', message, measured: rest.length }];
}

const pixelCount = (pixels: number): string => (pixels === 1 ? '1 pixel' : `${pixels} pixels`);
