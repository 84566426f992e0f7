import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';

/** A loader that lists only what `wanted` takes, and then what `missing` adds; its proof is that of the whole listing. */
export function filteredLoader(
  inner: Loader,
  wanted: (listed: Listed) => boolean,
  missing?: () => AsyncIterable<Listed>,
): Loader {
  return {
    describes: inner.describes,
    fingerprint: () => inner.fingerprint(),
    ...(inner.progress === undefined ? {} : { progress: () => inner.progress!() }),
    // What is missing is known only from a whole listing.
    ...(inner.position === undefined || missing !== undefined ? {} : { position: () => inner.position!() }),
    async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
      const entries = inner.list(ctx);
      try {
        for (;;) {
          const next = await entries.next();
          if (next.done) {
            if (missing !== undefined) yield* missing();
            return next.value;
          }
          if (wanted(next.value)) yield next.value;
        }
      } finally {
        await entries.return({ complete: false, reason: 'stopped' });
      }
    },
  };
}
