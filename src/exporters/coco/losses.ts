import type { Loss, LossCounts } from '../../model/export.ts';

/** What COCO cannot carry, and what becomes of it. */
export const LOSSES = [
  {
    id: 'kinds',
    what: 'Videos with their frames, sounds and texts, and images whose size is unknown',
    instead: 'The input is skipped with EXPORT_UNSUPPORTED.',
  },
  {
    id: 'image-concepts',
    what: 'Concepts of a whole image, of the input or of an annotation without a region',
    instead:
      'Carried as pos_category_ids and neg_category_ids (LVIS’s name) of the image; COCO’s readers do not look there.',
  },
  {
    id: 'negative-regions',
    what: 'Concepts of a region with the value 0',
    instead: 'Left out; a region that has no others is left out whole.',
  },
  {
    id: 'several-concepts',
    what: 'Regions with more than one concept',
    instead: 'Carried as one annotation for each concept, of the same outline; each counts here.',
  },
  {
    id: 'unlabelled',
    what: 'Regions without a concept',
    instead: 'Left out, or in the category that the option unlabelled names.',
  },
  { id: 'points', what: 'Single points', instead: 'Left out; key points are carried.' },
  {
    id: 'keypoints',
    what: 'Key points that the class does not declare, their depth, and their names where it declares none',
    instead: 'Left out.',
  },
  {
    id: 'captions',
    what: 'Annotations with neither a region nor a concept, such as captions',
    instead: 'Left out.',
  },
  {
    id: 'masks',
    what: 'With segmentation polygon: masks, and polygons with holes',
    instead: 'The box and the area are carried, the outline is left out.',
  },
  {
    id: 'areas',
    what: 'Areas of the source that are not those of the outline, by more than 5 %',
    instead: 'Replaced by the number of pixels of the outline, or the area of the box.',
  },
  {
    id: 'annotation-details',
    what: 'Info other than COCO’s own, text, geo, track, status, annotator and times of an annotation',
    instead: 'Left out; metadata become attributes.',
  },
  {
    id: 'input-details',
    what: 'Text, geo and metadata of an image, other than what an imported COCO file said of it',
    instead: 'Left out.',
  },
] as const satisfies readonly Loss[];

type LossId = (typeof LOSSES)[number]['id'];

/** Counts what was left out. */
export class Tally {
  readonly counts: LossCounts;

  constructor(counts: LossCounts = {}) {
    this.counts = { ...counts };
  }

  add(id: LossId, times = 1): void {
    this.counts[id] = (this.counts[id] ?? 0) + times;
  }
}
