import type { Annotation } from '../model/annotation.ts';
import { ANNOTATION_STATUSES } from '../model/annotation.ts';
import type { Concept, Geo } from '../model/labels.ts';
import { checkFinite, checkString, type Field, invalid } from './invalid.ts';

/** What an annotation says beside its concepts and where it is. */
export type PlainFields = Pick<
  Annotation,
  | 'trackId'
  | 'text'
  | 'geo'
  | 'metadata'
  | 'info'
  | 'score'
  | 'status'
  | 'annotator'
  | 'createdAt'
  | 'modifiedAt'
>;

const INSTANT = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const ZONE = /(Z|[+-]\d\d:\d\d)$/;

/** Adds them to `checked` in the order of the model, absent ones left out. */
export function checkFields(given: PlainFields, checked: PlainFields): void {
  if (given.trackId !== undefined) {
    checkString('trackId', given.trackId);
    checked.trackId = given.trackId;
  }
  if (given.text !== undefined) {
    checkString('text', given.text);
    checked.text = given.text;
  }
  if (given.geo !== undefined) checked.geo = checkGeo(given.geo);
  if (given.metadata !== undefined) checked.metadata = given.metadata;
  if (given.info !== undefined) checked.info = given.info;
  if (given.score !== undefined) {
    checkWithin('score', given.score, 0, 1);
    checked.score = given.score;
  }
  if (given.status !== undefined) {
    if (!ANNOTATION_STATUSES.includes(given.status)) {
      throw invalid('status', `one of ${ANNOTATION_STATUSES.join(', ')}`, given.status);
    }
    checked.status = given.status;
  }
  if (given.annotator !== undefined) {
    checkString('annotator', given.annotator);
    checked.annotator = given.annotator;
  }
  if (given.createdAt !== undefined) checked.createdAt = utcOf('createdAt', given.createdAt);
  if (given.modifiedAt !== undefined) checked.modifiedAt = utcOf('modifiedAt', given.modifiedAt);
}

export function checkConcepts(concepts: readonly Concept[]): Concept[] {
  return concepts.map(({ id, name, value }, i) => {
    checkString(() => `concepts[${i}].id`, id);
    checkString(() => `concepts[${i}].name`, name);
    checkWithin(() => `concepts[${i}].value`, value, 0, 1);
    return { id, name, value };
  });
}

function checkGeo({ latitude, longitude }: Geo): Geo {
  checkWithin('geo.latitude', latitude, -90, 90);
  checkWithin('geo.longitude', longitude, -180, 180);
  return { latitude, longitude };
}

function checkWithin(field: Field, value: number, least: number, most: number): void {
  checkFinite(field, value);
  if (value < least || value > most) throw invalid(field, `within ${least}…${most}`, value);
}

/** In UTC; a time without a zone is taken to be in UTC already. */
function utcOf(field: string, given: string): string {
  if (typeof given !== 'string' || !INSTANT.test(given)) throw invalid(field, 'an ISO 8601 time', given);
  // A date alone is UTC by itself.
  const zoned = ZONE.test(given) || given.length === 10 ? given : `${given}Z`;
  const time = new Date(zoned.replace(' ', 'T'));
  if (Number.isNaN(time.getTime())) throw invalid(field, 'an ISO 8601 time', given);
  return UTC.test(given) ? given : time.toISOString();
}
