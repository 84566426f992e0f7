import type { Annotation, Point, Region } from '../../model/annotation.ts';
import type { Metadata } from '../../model/labels.ts';
import type { Tally } from './losses.ts';
import { outlineOf, type Segmentation, type Segments } from './outline.ts';
import { type Size, toPixels } from './pixels.ts';

/** An element of COCO's `annotations`, whose first two numbers are given last. */
export interface CocoObject {
  id: number;
  image_id: number;
  category_id: number;
  bbox: readonly number[];
  area: number;
  iscrowd: 0 | 1;
  segmentation: Segments;
  /** Of regions and classes that have key points: three numbers for each, and how many of them are labelled. */
  keypoints: { flat: number[]; labelled: number } | undefined;
  /** Members that come last. */
  rest: Metadata;
}

/** A class as its annotations need it. */
export interface Category {
  id: number;
  /** Names of its key points, in order. */
  keypoints: readonly string[] | undefined;
}

export interface ObjectOptions {
  segmentation: Segmentation;
  categoryOf(conceptId: string): Category;
  /** Of regions without a concept. */
  unlabelled: Category | undefined;
}

/** Members that follow from the annotation itself, whatever the source's file said. */
const OWN = new Set([
  'id',
  'image_id',
  'category_id',
  'bbox',
  'area',
  'iscrowd',
  'segmentation',
  'keypoints',
  'num_keypoints',
  'attributes',
]);
/** Fields of an annotation that COCO has no place for. */
const DETAILS = ['text', 'geo', 'trackId', 'status', 'annotator', 'createdAt', 'modifiedAt'] as const;

/** What an imported COCO file said of the annotation beyond the model. */
export function sourceOf({ info }: Pick<Annotation, 'info'>): Metadata {
  const coco = info?.['coco'];
  return typeof coco === 'object' && coco !== null && !Array.isArray(coco) ? (coco as Metadata) : {};
}

/**
 * What an annotation with a region becomes: one object for each concept that is present. None when it has no such
 * concept, or only a point; what is left out is counted.
 */
export function objectsOf(
  annotation: Annotation,
  size: Size,
  options: ObjectOptions,
  tally: Tally,
): CocoObject[] {
  const region = annotation.region!;
  const categories = categoriesOf(annotation, options, tally);
  if (region.point !== undefined) tally.add('points');
  const hasOutline = (region.box ?? region.polygon ?? region.mask ?? region.keypoints) !== undefined;
  if (categories.length === 0 || !hasOutline) return [];
  const coco = sourceOf(annotation);
  const { segmentation, bbox, area, leftOut, corrected } = outlineOf(
    region,
    size,
    options.segmentation,
    coco['area'],
  );
  if (leftOut) tally.add('masks');
  if (corrected) tally.add('areas');
  if (categories.length > 1) tally.add('several-concepts', categories.length);
  if (hasDetails(annotation)) tally.add('annotation-details');
  const iscrowd = coco['iscrowd'] === 1 ? 1 : 0;
  const rest = restOf(annotation, coco);
  return categories.map((category) => {
    const keypoints = keypointsOf(region, category, size, tally);
    return {
      id: 0,
      image_id: 0,
      category_id: category.id,
      bbox,
      area,
      iscrowd,
      segmentation,
      keypoints,
      rest,
    };
  });
}

function keypointsOf(
  { keypoints }: Region,
  { keypoints: names }: Category,
  size: Size,
  tally: Tally,
): CocoObject['keypoints'] {
  if (keypoints !== undefined) {
    const flat = placedByName(keypoints, names, size, tally);
    return { flat, labelled: labelledOf(flat) };
  }
  // pycocotools reads them of every object of such a class.
  if (names !== undefined) return { flat: new Array<number>(names.length * 3).fill(0), labelled: 0 };
  return undefined;
}

function categoriesOf(
  { concepts }: Annotation,
  { categoryOf, unlabelled }: ObjectOptions,
  tally: Tally,
): Category[] {
  const present = concepts.filter(({ value }) => value !== 0);
  if (present.length < concepts.length) tally.add('negative-regions', concepts.length - present.length);
  if (concepts.length > 0) return present.map(({ id }) => categoryOf(id));
  if (unlabelled !== undefined) return [unlabelled];
  tally.add('unlabelled');
  return [];
}

function restOf({ score, metadata }: Annotation, coco: Metadata): Metadata {
  const rest: Metadata = {};
  if (score !== undefined) rest['score'] = score;
  const attributes = coco['attributes'];
  const own = typeof attributes === 'object' && !Array.isArray(attributes) ? attributes : undefined;
  if (metadata !== undefined || own !== undefined) rest['attributes'] = { ...metadata, ...own };
  else if (attributes !== undefined) rest['attributes'] = attributes;
  for (const name in coco) if (!OWN.has(name) && !(name in rest)) rest[name] = coco[name];
  return rest;
}

export const hasDetails = (annotation: Annotation): boolean =>
  DETAILS.some((name) => annotation[name] !== undefined) ||
  Object.keys(annotation.info ?? {}).some((name) => name !== 'coco');

/** x, y and visibility of each name that the class declares; by order where names are not known. */
function placedByName(
  points: readonly Point[],
  names: readonly string[] | undefined,
  size: Size,
  tally: Tally,
): number[] {
  const isNamed =
    names !== undefined && points.every(({ name }) => name !== undefined && names.includes(name));
  const places = names === undefined || isNamed ? points.length : Math.min(points.length, names.length);
  const lost =
    points.length -
    places +
    points.filter(({ z }) => z !== undefined).length +
    (names === undefined ? points.filter(({ name }) => name !== undefined).length : 0);
  if (lost > 0) tally.add('keypoints', lost);
  const flat = new Array<number>((names?.length ?? points.length) * 3).fill(0);
  points.slice(0, places).forEach((point, i) => {
    flat.splice((isNamed ? names.indexOf(point.name!) : i) * 3, 3, ...placed(point, size));
  });
  return flat;
}

const placed = ({ x, y, visibility = 'visible' }: Point, { width, height }: Size): number[] => [
  toPixels(x, width),
  toPixels(y, height),
  visibility === 'visible' ? 2 : visibility === 'not_visible' ? 1 : 0,
];

const labelledOf = (keypoints: readonly number[]): number =>
  keypoints.filter((value, i) => i % 3 === 2 && value > 0).length;
