import type { DatasetVersion } from '../../model/dataset.ts';
import type { Input } from '../../model/input.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import { splitNames } from '../split-names.ts';

/** Kinds that have a loader of folders. */
export const FOLDER_KINDS: readonly Kind[] = KINDS.filter((kind) => kind !== 'text');

/** The folder of an input below that of the export: its split, and where there are several kinds, its kind before it. */
export function folderLayout(version: DatasetVersion): (input: Pick<Input, 'kind' | 'split'>) => string {
  const kinds = FOLDER_KINDS.filter((kind) => (version.inputsByKind[kind] ?? 0) > 0);
  const splitOf = splitNames(version);
  return ({ kind, split }) => (kinds.length > 1 ? `${kind}/${splitOf(split)}` : splitOf(split));
}
