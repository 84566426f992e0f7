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
import { outcomeOf } from '../model/outcome.ts';

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
            if (next.value.complete) for (const source of labels) yield* source.unmatched(ctx);
            return next.value;
          }
          yield isOutcome(next.value) ? next.value : await labelled(next.value, labels);
        }
      } finally {
        await entries.return({ complete: false, reason: 'stopped' });
      }
    },
  };
}

async function labelled(item: SourceItem, labels: readonly LabelSource[]): Promise<Listed> {
  const pending: PendingLabels[] = [];
  for (const source of labels) {
    if (source.owns(item.uri)) {
      return outcomeOf(item.uri, 'list', 'LABEL_FILE', {
        message: `it is read as labels: ${source.describes}`,
      });
    }
    const matched = source.match(item);
    const found = matched instanceof Promise ? await matched : matched;
    if (found !== undefined) pending.push(found);
  }
  item.pending = pending;
  return item;
}
