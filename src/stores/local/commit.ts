import { codeInfo } from '../../model/codes.ts';
import type { Clock, ReadyItem, SinkResult } from '../../model/contracts.ts';
import type { BlobWriter, StagedBlob } from './blobs.ts';
import { candidateIds, Decider, type Policy } from './decide.ts';
import { INLINE_TEXT_BYTES, incomingOf, type Staged } from './incoming.ts';
import type { InputTable } from './input-table.ts';
import type { Lookup } from './lookup.ts';
import { encodeRows, type InputRow } from './rows.ts';

export interface StagedBatch {
  batch: readonly ReadyItem[];
  /** One for each item. */
  staged: readonly Staged[];
}

/** What a commit reads from and writes to. */
export interface CommitParts {
  inputs: InputTable;
  lookup: Lookup;
  blobs: BlobWriter;
}

/** Makes one commit of many batches: decides about each item, then blobs, then rows. */
export class Committer {
  readonly #options: Policy & { runId: string };
  readonly #parts: CommitParts;
  readonly #clock: Clock;
  #distinct: number;

  /** `distinct`: ids that the table holds now. */
  constructor(options: Policy & { runId: string }, parts: CommitParts, distinct: number, clock: Clock) {
    this.#options = options;
    this.#parts = parts;
    this.#distinct = distinct;
    this.#clock = clock;
  }

  /** Ids that have a row, as far as commits have said. */
  get distinct(): number {
    return this.#distinct;
  }

  /** Nothing of it is answered unless all of it is durable. */
  async commit(batches: readonly StagedBatch[]): Promise<SinkResult[][]> {
    const stored = await this.#parts.lookup.rows(this.#candidates(batches));
    const { results, needed, unneeded, appended, replaced } = this.#decide(batches, stored);
    await this.#parts.blobs.publish(needed);
    if (replaced.length > 0) await this.#parts.inputs.replace(encodeRows(await this.#withTexts(replaced)));
    if (appended !== undefined) await this.#parts.inputs.append(appended);
    this.#distinct += appended?.table.numRows ?? 0;
    await this.#parts.blobs.discard(unneeded);
    return results;
  }

  *#candidates(batches: readonly StagedBatch[]): Generator<string> {
    for (const { batch } of batches) {
      for (const { item, sha256 } of batch)
        yield* candidateIds(item.id.toWellFormed(), sha256, this.#options);
    }
  }

  /** Synchronous, and new rows are encoded here, so that thousands of them die young and not during the commit. */
  #decide(batches: readonly StagedBatch[], stored: readonly InputRow[]) {
    const decider = new Decider(this.#options, { runId: this.#options.runId, now: this.#clock.now() });
    for (const row of stored) decider.know(row);
    const needed: StagedBlob[] = [];
    const unneeded: StagedBlob[] = [];
    const results = batches.map(({ batch, staged }) =>
      batch.map((ready, i) => {
        const { result, needsBytes } = decider.decide(incomingOf(ready, staged[i]));
        const blob = staged[i]!.blob;
        // What a row already had and was staged all the same has lost its blob; here it comes back.
        const heals = blob?.part !== undefined && codeInfo(result.code).class !== 'rejected';
        if (blob !== undefined) (needsBytes || heals ? needed : unneeded).push(blob);
        return result;
      }),
    );
    const { appended, replaced } = decider;
    // Noted before the commit: should one that seems to fail have happened, its ids are looked up and not doubled.
    for (const row of appended) this.#parts.lookup.noteStored(row.id);
    return {
      results,
      needed,
      unneeded,
      replaced,
      appended: appended.length === 0 ? undefined : encodeRows(appended),
    };
  }

  /** Rows are replaced whole, so a stored text that was not looked up is put back in. */
  async #withTexts(rows: readonly InputRow[]): Promise<InputRow[]> {
    const lacking = rows.filter(
      ({ kind, bytes, text }) => kind === 'text' && bytes <= INLINE_TEXT_BYTES && text === undefined,
    );
    const texts = await this.#parts.lookup.texts(lacking);
    return rows.map((row) => {
      const text = row.text ?? texts.get(row.id);
      return text === undefined ? row : { ...row, text };
    });
  }
}
