import type { DatasetVersion } from '../../model/dataset.ts';
import type { MediaMode } from './columns.ts';

/** Of a row without its media, about; compressed. */
const INPUT_BYTES = 400;
const ANNOTATION_BYTES = 200;

export function tableBytes({ inputsByKind, bytes, metrics }: DatasetVersion, media: MediaMode): number {
  const inputs = Object.values(inputsByKind).reduce((sum, count) => sum + count, 0);
  const annotations = metrics.regionsCount + metrics.framesCount + metrics.positiveInputTagsCount;
  return inputs * INPUT_BYTES + annotations * ANNOTATION_BYTES + (media === 'none' ? 0 : bytes);
}
