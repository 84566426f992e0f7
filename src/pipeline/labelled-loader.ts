import {
  type Context,
  isOutcome,
  type LabelSource,
  type Listed,
  type ListingProof,
  type Loader,
  type PendingLabels,
  type SourceItem,
} from '../model/contracts.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { sharedFate } from './item-labels.ts';

/**
 * A listing with its labels: each item is given what the label sources have for it, a file that they read is no item,
 * and at the end everything that was labels for something that was not listed is an outcome.
 */
export function labelledLoader(inner: Loader, labels: readonly LabelSource[]): Loader {
  return {
    describes: [inner, ...labels].map((part) => part.describes).join('; labels from '),
    fingerprint: () => inner.fingerprint(),
    ...(inner.progress === undefined ? {} : { progress: () => inner.progress!() }),
    async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
      const entries = inner.list(ctx);
      try {
        for (;;) {
          const next = await entries.next();
          if (next.done) {
            // Of an incomplete listing nobody knows what labels are left over.
            if (next.value.complete) for (const source of labels) yield* leftOver(source, ctx);
            return next.value;
          }
          yield await labelled(next.value, labels);
        }
      } finally {
        await entries.return({ complete: false, reason: 'stopped' });
      }
    },
  };
}

/** Told from items by their stage: what is decided of an item there has its id. */
async function* leftOver(source: LabelSource, ctx: Context): AsyncGenerator<Outcome, void, void> {
  for await (const outcome of source.unmatched(ctx)) yield { ...outcome, stage: 'annotate' };
}

async function labelled(listed: Listed, labels: readonly LabelSource[]): Promise<Listed> {
  if (!isOutcome(listed)) {
    const owner = labels.find((source) => source.owns(listed.uri));
    if (owner !== undefined) {
      const message = `it is read as labels: ${owner.describes}`;
      return outcomeOf(listed.uri, 'list', 'LABEL_FILE', { message });
    }
    listed.pending = await pendingOf(listed, labels);
    return listed;
  }
  // What is left out or cannot be opened has labels all the same; they share its outcome.
  const pending = await pendingOf({ id: listed.inputId ?? '', uri: listed.uri }, labels);
  return pending.length === 0 ? listed : { ...listed, ...sharedFate({ id: '', uri: '', pending }) };
}

async function pendingOf(item: SourceItem, labels: readonly LabelSource[]): Promise<PendingLabels[]> {
  const pending: PendingLabels[] = [];
  for (const source of labels) {
    const matched = source.match(item);
    const found = matched instanceof Promise ? await matched : matched;
    if (found !== undefined) pending.push(found);
  }
  return pending;
}
