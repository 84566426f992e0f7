import type { LoaderComponent } from '../../src/model/component.ts';
import type { SourceItem } from '../../src/model/contracts.ts';
import { type Context, isOutcome, type Listed, type ListingProof } from '../../src/model/contracts.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from './context.ts';

export interface Listing {
  items: SourceItem[];
  outcomes: Outcome[];
  /** Everything, in order. */
  all: Listed[];
  proof: ListingProof;
}

/** Opens a source with a loader's defaults and the given options, and lists it to its end. */
export async function listSource<Options>(
  loader: LoaderComponent<Options>,
  source: string,
  options: Record<string, unknown> = {},
  ctx: Context = testContext(),
  stores: readonly string[] = [],
): Promise<Listing> {
  const opened = await loader.open(source, loader.options.parse(options), stores);
  return drain(opened.list(ctx));
}

async function drain(listing: AsyncGenerator<Listed, ListingProof, void>): Promise<Listing> {
  const all: Listed[] = [];
  for (;;) {
    const next = await listing.next();
    if (next.done) {
      const outcomes = all.filter(isOutcome);
      return {
        all,
        outcomes,
        items: all.filter((listed): listed is SourceItem => !isOutcome(listed)),
        proof: next.value,
      };
    }
    all.push(next.value);
  }
}
