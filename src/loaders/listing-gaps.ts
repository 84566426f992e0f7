import type { ListingProof } from '../model/contracts.ts';

/** How many a reason names before it only counts. */
const NAMED = 3;

/** What a listing could not see, gathered in bounded memory. */
export class ListingGaps {
  readonly #gaps = new Map<string, { count: number; examples: string[] }>();

  /** `kind` is a heading, such as `folders that could not be read`. */
  add(kind: string, example: string): void {
    const gap = this.#gaps.get(kind) ?? { count: 0, examples: [] };
    gap.count++;
    if (gap.examples.length < NAMED) gap.examples.push(example);
    this.#gaps.set(kind, gap);
  }

  /** Takes over what a part of the source that was listed on its own could not see. */
  addPart(kind: string, proof: ListingProof): void {
    if (!proof.complete) this.add(kind, proof.reason);
  }

  proof(evidence: string): ListingProof {
    if (this.#gaps.size === 0) return { complete: true, evidence };
    const reasons = [...this.#gaps].map(([kind, { count, examples }]) => {
      const more = count > examples.length ? ` and ${count - examples.length} more` : '';
      return `${kind} (${count}): ${examples.join(', ')}${more}`;
    });
    return { complete: false, reason: reasons.join('; ') };
  }
}
