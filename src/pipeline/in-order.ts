import type { ListingProof } from '../model/contracts.ts';

/**
 * Applies an asynchronous function to what a listing yields, at most `atOnce` calls under way, and yields the results
 * in the listing's order. An error is thrown at its place in that order, the listing's own after all results.
 */
export async function* inOrder<In, Out>(
  entries: AsyncGenerator<In, ListingProof, void>,
  apply: (entry: In) => Out | Promise<Out>,
  atOnce: number,
): AsyncGenerator<Out, ListingProof, void> {
  const underWay: Promise<Out>[] = [];
  let end: Promise<ListingProof> | undefined;
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    try {
      const next = await entries.next();
      if (next.done) end = Promise.resolve(next.value);
      else underWay.push(quietly(Promise.resolve(apply(next.value))));
    } catch (error) {
      end = quietly(Promise.reject(error));
    }
    reading = undefined;
  };
  try {
    for (;;) {
      if (end === undefined && underWay.length < atOnce) reading ??= read();
      const [head] = underWay;
      if (head === undefined) {
        if (end !== undefined) return await end;
        await reading;
      } else if (reading === undefined || (await Promise.race([reading, head.then(() => true)]))) {
        underWay.shift();
        yield await head;
      }
    }
  } finally {
    await entries.return({ complete: false, reason: 'stopped' });
  }
}

/** Nobody looks at a promise until it is its turn; failing before is no unhandled rejection. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
