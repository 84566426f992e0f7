import type { Place } from '../formats/coco/coco-index.ts';
import { idKey } from '../formats/coco/element-json.ts';
import type { AnnotationProblem } from '../model/annotation.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import type { CocoSet } from './coco-set.ts';

/** An image with more annotations than this has several outcomes, so that no line of a ledger has them all. */
const PROBLEMS_AN_OUTCOME = 1000;

/** An outcome for every image that no item was, for annotations of images that are not declared, and for broken ones. */
export async function* leftOver(
  sets: readonly CocoSet[],
  signal: AbortSignal,
): AsyncGenerator<Outcome, void, void> {
  for (const set of sets) {
    await set.file.assertUnchanged();
    const { index, name } = set.file;
    for (let slot = 0; slot < index.images.length; slot++) {
      if (set.isTaken(slot)) continue;
      signal.throwIfAborted();
      yield* imageLeft(set, slot);
    }
    for (let i = 0; i < index.brokenImages.length; i++) {
      const place = index.brokenImages.get(i);
      const message = 'an image without a readable id and file_name';
      yield outcomeOf(`${name}#images/@${place.offset}`, 'annotate', 'LABELS_WITHOUT_INPUT', { message });
    }
    for (let i = 0; i < index.strayAnnotations.length; i++)
      yield await strayLeft(set, index.strayAnnotations.get(i));
  }
}

/** An image that no item was. */
async function* imageLeft(set: CocoSet, slot: number): AsyncGenerator<Outcome, void, void> {
  const { index, name } = set.file;
  const places = index.annotationsOf(slot);
  const { id, what } = await imageOf(set, slot, places);
  for (let from = 0; from === 0 || from < places.length; from += PROBLEMS_AN_OUTCOME) {
    const refs = await refsOf(set, places.slice(from, from + PROBLEMS_AN_OUTCOME));
    const problems = refs.map(
      (ref): AnnotationProblem => ({ ref, code: 'LABELS_WITHOUT_INPUT', message: what }),
    );
    const part = from === 0 ? '' : `#${from / PROBLEMS_AN_OUTCOME + 1}`;
    yield outcomeOf(`${name}#images/${id}${part}`, 'annotate', 'LABELS_WITHOUT_INPUT', {
      message: places.length === 0 ? what : `${what}, and it has ${counted(places.length)}`,
      ...(problems.length === 0 ? {} : { annotations: { good: 0, problems } }),
    });
  }
}

async function imageOf(
  set: CocoSet,
  slot: number,
  places: readonly Place[],
): Promise<{ id: unknown; what: string }> {
  if (set.file.index.images.isDeclared(slot)) {
    const { id, file_name: fileName } = await set.image(slot);
    return { id, what: `no item of the source is the image ${String(fileName)}` };
  }
  const [first] = await set.elements(places.slice(0, 1));
  const id = first?.['image_id'];
  return { id, what: `the file declares no image with the id ${String(id)}` };
}

/** An annotation of no image. */
async function strayLeft(set: CocoSet, place: Place): Promise<Outcome> {
  const [ref] = (await refsOf(set, [place])) as [string];
  const message = 'an annotation without a readable image_id';
  return outcomeOf(ref, 'annotate', 'LABELS_WITHOUT_INPUT', {
    message,
    annotations: { good: 0, problems: [{ ref, code: 'ANNOTATION_INVALID_ARGUMENT', message }] },
  });
}

const counted = (count: number): string => (count === 1 ? '1 annotation' : `${count} annotations`);

/** What outcomes call the annotations at these places. */
async function refsOf(set: CocoSet, places: readonly Place[]): Promise<string[]> {
  const elements = await set.elements(places);
  return elements.map(({ id }, i) => `${set.file.name}#annotations/${idKey(id) ?? `@${places[i]!.offset}`}`);
}
