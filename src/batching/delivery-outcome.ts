import type { ReadyItem, SinkResult } from '../model/contracts.ts';
import { asError, RejectedItemError, SluiceError } from '../model/errors.ts';
import { type AnnotationOutcomes, type Outcome, outcomeOf } from '../model/outcome.ts';

/** The outcome of an item that the sink answered for; `attempt` is told only when it was not the first. */
export function resultOutcome(ready: ReadyItem, result: SinkResult, attempt: number): Outcome {
  return outcomeOf(ready.item.uri, 'deliver', result.code, { ...fieldsOf(ready, attempt), ...result });
}

/** The outcome of an item that failed on its own: rejected with the sink's code, or DELIVERY_FAILED. */
export function failureOutcome(ready: ReadyItem, thrown: unknown, attempt: number): Outcome {
  const error = asError(thrown);
  const code = error instanceof RejectedItemError ? error.code : 'DELIVERY_FAILED';
  const fields = { ...fieldsOf(ready, attempt), message: error.message };
  if (!(error instanceof SluiceError)) return outcomeOf(ready.item.uri, 'deliver', code, fields);
  return outcomeOf(ready.item.uri, 'deliver', code, {
    ...fields,
    ...(error.measured === undefined ? {} : { measured: error.measured }),
    ...(error.limit === undefined ? {} : { limit: error.limit }),
  });
}

/** Runs for every item of every run, so nothing is spread that is not there. */
function fieldsOf(ready: ReadyItem, attempt: number) {
  const { item, sha256, kind, bytes, warnings, annotations, repair } = ready;
  const fields: Partial<Outcome> = { inputId: item.id, sha256, kind, bytes };
  if (item.idGiven) fields.idGiven = true;
  if (item.fingerprint !== undefined) fields.fingerprint = item.fingerprint;
  if (warnings !== undefined) fields.warnings = warnings;
  if (annotations !== undefined) fields.annotations = annotationOutcomes(ready);
  if (kind !== 'text' && item.text !== undefined) fields.withText = true;
  if (repair !== undefined) fields.repair = repair;
  if (attempt > 1) fields.attempt = attempt;
  return fields;
}

/** Of an item whose annotations were checked. */
export function annotationOutcomes({ annotations = [], problems }: ReadyItem): AnnotationOutcomes {
  return { good: annotations.length, ...(problems === undefined ? {} : { problems }) };
}
