import type { Annotation } from '../../../model/annotation.ts';
import type { Input } from '../../../model/input.ts';
import { type InputRow, NO_ANNOTATIONS, toInput } from '../rows.ts';

/**
 * One input as a chunk has it. The datasets that it was in are left out: they are no content of this one, and versions
 * of other datasets can share the chunk.
 */
export interface VersionLine extends Omit<Input, 'datasets'> {
  /** Absolute path of the original file, when the store keeps a reference instead of a copy. */
  source?: string;
}

/** Not a field, so that whoever writes the input as JSON does not publish paths of this machine; copies keep it. */
const SOURCE = Symbol('source');

/** The row with those of its annotations that the version takes, and how many stay out. */
export function lineOf(
  row: InputRow,
  takes: (annotation: Annotation) => boolean,
): { line: VersionLine; leftOut: number } {
  const { datasets: _, annotations, ...input } = toInput(row);
  const taken = row.annotations === NO_ANNOTATIONS ? annotations : annotations.filter(takes);
  const line: VersionLine = {
    ...input,
    annotations: taken,
    createdAt: new Date(row.createdAt).toISOString(),
    modifiedAt: new Date(row.updatedAt).toISOString(),
  };
  if (row.source !== undefined) line.source = row.source;
  return { line, leftOut: annotations.length - taken.length };
}

/** The input as the version's readers see it. */
export function inputOf({ source, annotations, ...line }: VersionLine, dataset: string): Input {
  const input: Input = { ...line, datasets: [dataset], annotations };
  return source === undefined ? input : Object.assign(input, { [SOURCE]: source });
}

/** The file that an input of a version refers to, where the store has no copy. */
export const sourceOf = (input: Input): string | undefined => (input as { [SOURCE]?: string })[SOURCE];

/** Whether the bytes are in the line itself, and no blob. */
export const holdsBytes = ({ kind, text }: Pick<VersionLine, 'kind' | 'text'>): boolean =>
  kind === 'text' && text !== undefined;
