import { type Context, isOutcome, type Listed, type ListingProof, type Loader } from '../model/contracts.ts';
import { shortHash } from '../model/ids.ts';

/** Several sources as one, listed one after the other; a uri is `<name>/<uri in its source>`. */
export function joinedLoader(sources: readonly { name: string; loader: Loader }[]): Loader {
  const loaders = sources.map(({ loader }) => loader);
  return {
    describes: sources.map(({ name, loader }) => `${name}: ${loader.describes}`).join('\n'),
    async fingerprint() {
      const each = await Promise.all(loaders.map((loader) => loader.fingerprint()));
      return each.every((fingerprint) => fingerprint === undefined)
        ? undefined
        : shortHash(JSON.stringify(each.map((fingerprint) => fingerprint ?? null)));
    },
    progress() {
      const each = loaders.map((loader) => loader.progress?.());
      const done = each.reduce((sum, progress) => sum + (progress?.done ?? 0), 0);
      const totals = each.map((progress) => progress?.total);
      return totals.every((total) => total !== undefined)
        ? { done, total: totals.reduce((sum, total) => sum + total, 0) }
        : { done };
    },
    async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
      const proofs: ListingProof[] = [];
      for (const { name, loader } of sources) {
        const proof = yield* named(name, loader.list(ctx));
        proofs.push(proof.complete ? proof : { complete: false, reason: `${name}: ${proof.reason}` });
      }
      return (
        proofs.find((proof) => !proof.complete) ?? {
          complete: true,
          evidence: proofs.map((proof) => ('evidence' in proof ? proof.evidence : '')).join('; '),
        }
      );
    },
  };
}

async function* named(
  name: string,
  entries: AsyncGenerator<Listed, ListingProof, void>,
): AsyncGenerator<Listed, ListingProof, void> {
  try {
    for (;;) {
      const next = await entries.next();
      if (next.done) return next.value;
      const listed = next.value;
      const uri = `${name}/${listed.uri}`;
      if (isOutcome(listed)) yield { ...listed, uri };
      else {
        // In place: an item may have methods that read their own fields.
        listed.uri = uri;
        yield listed;
      }
    }
  } finally {
    await entries.return({ complete: false, reason: 'stopped' });
  }
}
