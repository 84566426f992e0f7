import { redactUrl } from '../io/redact.ts';
import type { Code } from '../model/codes.ts';
import type { SourceItem } from '../model/contracts.ts';
import { asError, FatalError, SluiceError } from '../model/errors.ts';
import { type Outcome, outcomeOf, type Stage } from '../model/outcome.ts';
import { sharedFate } from './item-labels.ts';

const SHOWN_TEXT = 1000;
const FALLBACK: Record<Stage, Code> = {
  list: 'INPUT_READ_FAILED',
  transform: 'TRANSFORM_FAILED',
  read: 'INPUT_READ_FAILED',
  repair: 'REPAIR_FAILED',
  validate: 'MEDIA_PROBE_FAILED',
  annotate: 'INPUT_READ_FAILED',
  batch: 'DELIVERY_FAILED',
  deliver: 'DELIVERY_FAILED',
  index: 'EMBED_FAILED',
  export: 'INPUT_READ_FAILED',
};

/** The fields of an outcome that come from its item. */
export function itemFields(
  item: SourceItem,
): Pick<Outcome, 'inputId' | 'idGiven' | 'fingerprint' | 'annotations'> {
  const { id, idGiven, fingerprint } = item;
  return {
    inputId: id,
    ...(idGiven ? { idGiven: true as const } : {}),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...sharedFate(item),
  };
}

/** The outcome of an item whose handling threw. Fatal errors and aborts are not outcomes and are thrown on. */
export function outcomeOfError(
  item: SourceItem,
  stage: Stage,
  thrown: unknown,
  signal: AbortSignal,
): Outcome {
  if (thrown instanceof FatalError || signal.aborted) throw thrown;
  const error = asError(thrown);
  const known = error instanceof SluiceError;
  const details = known ? { measured: error.measured, limit: error.limit } : {};
  return outcomeOf(item.uri, stage, known ? error.code : FALLBACK[stage], {
    ...itemFields(item),
    message: error.message,
    ...defined(details),
    record: recordOf(item),
  });
}

/** What the failures file says about an item beside its outcome. Retry reads the item itself from the source again. */
export function recordOf(item: SourceItem): Record<string, unknown> {
  return defined({
    url: item.url === undefined ? undefined : redactUrl(item.url),
    text: item.text?.slice(0, SHOWN_TEXT),
    size: item.size,
    concepts: item.concepts,
    metadata: item.metadata,
    geo: item.geo,
    split: item.split,
  });
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
