/** An item that is ready: how long its padded dimension is, and how many rows it takes. */
export interface Sized {
  length: number;
  rows: number;
}

/**
 * Items for one call, of similar length, the one that waits longest among them: so that none waits for ever.
 * `ready` is in the order of arrival. At least one item, else at most `items` of together at most `rows`.
 */
export function nextBatch<T extends Sized>(ready: readonly T[], limit: { items: number; rows: number }): T[] {
  const oldest = ready[0];
  if (oldest === undefined) return [];
  const sorted = ready.toSorted((a, b) => a.length - b.length);
  const place = sorted.indexOf(oldest);
  // Groups are cut at the same places as long as nothing arrives, so that they leave no odd ones behind.
  const start = Math.max(0, Math.min(place - (place % limit.items), sorted.length - limit.items));
  const group = sorted.slice(start, start + limit.items);
  const batch: T[] = [];
  let rows = 0;
  for (const item of [...group.slice(place - start), ...group.slice(0, place - start).reverse()]) {
    rows += item.rows;
    if (batch.length > 0 && rows > limit.rows) break;
    batch.push(item);
  }
  return batch;
}
