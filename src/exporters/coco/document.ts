import type { DatasetVersion } from '../../model/dataset.ts';
import type { Input } from '../../model/input.ts';
import type { Metadata } from '../../model/labels.ts';
import type { ClassMap, ExportClass } from '../class-map.ts';
import type { Category } from './annotation.ts';

/** Members of an image that follow from the input, whatever the source's file said. */
const OWN = new Set([
  'id',
  'file_name',
  'width',
  'height',
  'input_id',
  'pos_category_ids',
  'neg_category_ids',
]);

/** The first members of every file, as JSON that is still open. */
export function headOf(version: DatasetVersion, categories: readonly object[]): string {
  const info = {
    description: version.description ?? version.dataset,
    version: `${version.dataset}@${version.id}`,
    date_created: version.createdAt,
    content_hash: version.contentHash,
  };
  const lines = categories.map((category) => JSON.stringify(category)).join(',\n');
  const list = lines === '' ? '[]' : `[\n${lines}\n]`;
  return `{"info":${JSON.stringify(info)},\n"licenses":[],\n"categories":${list}`;
}

/** No two have one name, which many readers tell classes by: the later one has its id behind it. */
export function categoriesOf({ classes }: ClassMap): object[] {
  const names = new Set<string>();
  return classes.map(({ id, concept }) => {
    const name = names.has(concept.name) ? `${concept.name} (${concept.id})` : concept.name;
    names.add(name);
    const { supercategory = '', keypoints, skeleton, color } = concept;
    return {
      id,
      name,
      supercategory,
      ...((keypoints ?? skeleton) === undefined
        ? {}
        : { keypoints: keypoints ?? [], skeleton: skeleton ?? [] }),
      ...(color === undefined ? {} : { color }),
      ...(concept.id === name ? {} : { concept_id: concept.id }),
    };
  });
}

export const categoryOf = ({ id, concept }: ExportClass): Category => ({ id, keypoints: concept.keypoints });

/** An element of `images`. `positive` and `negative`: numbers of the concepts of the whole image. */
export function imageOf(
  input: Input,
  id: number,
  fileName: string,
  positive: readonly number[],
  negative: readonly number[],
): object {
  const { width, height } = input.media;
  const image: Metadata = { id, file_name: fileName, width, height, input_id: input.id };
  const coco = input.metadata['coco'];
  if (typeof coco === 'object' && coco !== null && !Array.isArray(coco)) {
    for (const [name, value] of Object.entries(coco)) if (!OWN.has(name)) image[name] = value;
  }
  if (positive.length > 0) image['pos_category_ids'] = positive;
  if (negative.length > 0) image['neg_category_ids'] = negative;
  return image;
}
