import { type AnnotationDraft, type AnnotationEntry, isProblem, type Region } from '../model/annotation.ts';
import type { ItemLabels, PendingLabels } from '../model/contracts.ts';
import type { Metadata } from '../model/labels.ts';
import type { NameMatch } from './coco-names.ts';
import type { CocoSet } from './coco-set.ts';

/** An image of a COCO file that an item is. */
export interface Claim {
  set: CocoSet;
  slot: number;
  /** The uri of an item that the same image was taken for; only one of the two can be it. */
  takenBy: string | undefined;
}

interface Wanted {
  split: boolean;
  imageMetadata: boolean;
}

/** The labels of an item from all images that it is; what cannot be told apart is a problem. */
export async function loadClaims(uri: string, claims: readonly Claim[], wanted: Wanted): Promise<ItemLabels> {
  const annotations: AnnotationEntry[] = [];
  const labels: ItemLabels = { annotations };
  for (const { set, slot, takenBy } of claims) {
    const { images } = set.file.index;
    if (takenBy !== undefined) {
      annotations.push(
        ambiguous(`${set.file.name}#images`, `the labels of an image fit ${uri} and went to ${takenBy}`),
      );
      continue;
    }
    const entries = await set.annotations(slot);
    if (images.isContested(slot)) {
      const { id } = await set.image(slot);
      annotations.push(...entries.map(({ ref }) => ambiguous(ref, `several images have the id ${id}`)));
      continue;
    }
    const size = images.size(slot);
    const otherSize = otherThan(labels.labelledSize, size);
    if (otherSize !== undefined) {
      annotations.push(...entries.map(({ ref }) => misfit(ref, otherSize)));
      continue;
    }
    if (size !== undefined) labels.labelledSize = size;
    addObjects(annotations, entries);
    if (wanted.split && set.place.split !== undefined) labels.split ??= set.place.split;
    if (wanted.imageMetadata) labels.metadata ??= await metadataOf(set, slot);
  }
  return labels;
}

/** What stands in the way when a path alone cannot tell which image an item is; a problem in place of its labels. */
export function clashOf(
  uri: string,
  matches: readonly { set: CocoSet; found: NameMatch }[],
): PendingLabels | undefined {
  const [first, ...others] = matches;
  const other = others.find(({ set }) => set.place.split !== first!.set.place.split);
  const rival =
    first!.found.rival === undefined ? other : { set: first!.set, found: { slot: first!.found.rival } };
  if (rival === undefined) return undefined;
  return {
    annotations: 1,
    async load() {
      const names: string[] = [];
      for (const { set, found } of [first!, rival]) {
        const { file_name: fileName } = await set.image(found.slot);
        names.push(`${String(fileName)} of ${set.file.name}`);
      }
      return {
        annotations: [ambiguous(`${first!.set.file.name}#images`, `${uri} may be ${names.join(' or ')}`)],
      };
    },
  };
}

const ambiguous = (ref: string, message: string): AnnotationEntry => ({
  ref,
  code: 'LABELS_AMBIGUOUS',
  message: `${message}: give the folder that file_name starts from with the option images, or tell them apart in the file`,
});

function otherThan(size: ItemLabels['labelledSize'], other: ItemLabels['labelledSize']): string | undefined {
  if (size === undefined || other === undefined) return undefined;
  if (size.width === other.width && size.height === other.height) return undefined;
  return `the image is ${other.width}x${other.height} here and ${size.width}x${size.height} where it is declared first`;
}

const misfit = (ref: string, message: string): AnnotationEntry => ({
  ref,
  code: 'ANNOTATION_INVALID_ARGUMENT',
  message,
});

/**
 * Adds the annotations of one more file. What it says of an object that is there already, by its id and concept, is
 * joined with it, as key points come in a file of their own; another object of the same id goes without it.
 */
function addObjects(annotations: AnnotationEntry[], entries: readonly AnnotationEntry[]): void {
  if (annotations.length === 0) {
    annotations.push(...entries);
    return;
  }
  const byId = new Map<string, AnnotationDraft>();
  for (const entry of annotations) if (!isProblem(entry) && entry.id !== undefined) byId.set(entry.id, entry);
  for (const entry of entries) {
    const same = isProblem(entry) || entry.id === undefined ? undefined : byId.get(entry.id);
    if (same === undefined || isProblem(entry)) annotations.push(entry);
    else if (same.concepts[0]?.id === entry.concepts[0]?.id) join(same, entry);
    else {
      delete entry.id;
      annotations.push(entry);
    }
  }
}

function join(draft: AnnotationDraft, other: AnnotationDraft): void {
  const region: Region = { ...other.region, ...draft.region };
  // An outline and a mask of one object would say the same twice.
  if (draft.region?.mask !== undefined) delete region.polygon;
  else if (draft.region?.polygon !== undefined) delete region.mask;
  if (Object.keys(region).length > 0) draft.region = region;
  const coco = { ...(other.info?.['coco'] as Metadata), ...(draft.info?.['coco'] as Metadata) };
  draft.info = { ...other.info, ...draft.info, coco };
}

/** All that the image's element says but what the item and its media say themselves. */
async function metadataOf(set: CocoSet, slot: number): Promise<Metadata> {
  const { file_name: _name, width: _width, height: _height, ...rest } = await set.image(slot);
  return { coco: rest };
}
