import { codeInfo } from '../../model/codes.ts';
import type { Clock, ReadyItem, SinkResult } from '../../model/contracts.ts';
import type { BlobWriter, StagedBlob } from './blobs.ts';
import { COMMIT_TEXT_BYTES } from './compaction.ts';
import { type ComparedParts, comparedParts } from './compared.ts';
import { candidateIds, Decider, type Incoming, type Policy } from './decide.ts';
import { incomingOf, type Staged } from './incoming.ts';
import type { InputTable } from './input-table.ts';
import type { Lookup } from './lookup.ts';
import { encodeRows, type KnownRow, largeBytes } from './rows.ts';

/**
 * Texts and annotations that are written, or read to be compared with, at once: what a commit brings, and room for
 * the last batch that fills it. Only what is stored already, and a batch with very large annotations, can be more.
 */
const HELD_BYTES = 2 * COMMIT_TEXT_BYTES;
/**
 * Of them, what one merge-insert carries: the allocator keeps much of what a large one took (660 MB of inputs with 3 MB
 * each: resident memory grew by 1.3 GB with parts of 30 MB, by 0.5 GB with parts of 6 MB).
 */
const REWRITTEN_BYTES = COMMIT_TEXT_BYTES / 2;

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
    const { inputs, lookup, blobs } = this.#parts;
    const found = await lookup.rows(this.#candidates(batches));
    const compared = this.#compared(batches, found);
    const divides = batches.length > 1 || batches[0]!.batch.length > 1;
    if (compared.bytes > HELD_BYTES && divides) return this.#inHalves(batches);
    const stored = await lookup.read(found, compared);
    const { results, needed, unneeded, appended, replaced } = this.#decide(batches, stored);
    await blobs.publish(needed);
    // Rows are replaced whole, so what of them was not read is read now.
    for (const rows of cut(replaced, REWRITTEN_BYTES))
      await inputs.replace(encodeRows(await lookup.readAll(rows)));
    for (const rows of appended) {
      await inputs.append(rows);
      this.#distinct += rows.table.numRows;
    }
    await blobs.discard(unneeded);
    return results;
  }

  /** How items are divided into commits makes no difference to what is decided. */
  async #inHalves(batches: readonly StagedBatch[]): Promise<SinkResult[][]> {
    if (batches.length > 1) {
      const middle = batches.length >> 1;
      const first = await this.commit(batches.slice(0, middle));
      return [...first, ...(await this.commit(batches.slice(middle)))];
    }
    const { batch, staged } = batches[0]!;
    const middle = batch.length >> 1;
    const [first] = await this.commit([{ batch: batch.slice(0, middle), staged: staged.slice(0, middle) }]);
    const [second] = await this.commit([{ batch: batch.slice(middle), staged: staged.slice(middle) }]);
    return [[...first!, ...second!]];
  }

  *#candidates(batches: readonly StagedBatch[]): Generator<string> {
    for (const { batch } of batches) {
      for (const { item, sha256 } of batch)
        yield* candidateIds(item.id.toWellFormed(), sha256, this.#options);
    }
  }

  #compared(batches: readonly StagedBatch[], stored: readonly KnownRow[]): ComparedParts {
    return comparedParts(stored.length === 0 ? [] : labelled(batches), stored, this.#options);
  }

  /** Synchronous, and new rows are encoded here, so that thousands of them die young and not during the commit. */
  #decide(batches: readonly StagedBatch[], stored: readonly KnownRow[]) {
    const decider = new Decider(this.#options, { runId: this.#options.runId, now: this.#clock.now() });
    for (const row of stored) decider.know(row);
    const needed: StagedBlob[] = [];
    const unneeded: StagedBlob[] = [];
    const results = batches.map(({ batch, staged }) =>
      batch.map((ready, i) => {
        const { result, needsBytes } = decider.decide(incomingOf(ready, staged[i]!));
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
      appended: cut(appended, HELD_BYTES).map(encodeRows),
    };
  }
}

/** Items that bring something large. */
function* labelled(batches: readonly StagedBatch[]): Generator<Incoming> {
  for (const { batch, staged } of batches) {
    for (const [i, ready] of batch.entries()) {
      const { text, annotations } = staged[i]!;
      if (annotations !== undefined || (text !== undefined && ready.kind !== 'text')) {
        yield incomingOf(ready, staged[i]!);
      }
    }
  }
}

/** Rows in order, in parts of at most so many bytes, or of one row. */
function cut<Row extends KnownRow>(rows: readonly Row[], most: number): Row[][] {
  const parts: Row[][] = [];
  let held = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const bytes = largeBytes(row);
    if (held + bytes > most) {
      parts.push([]);
      held = 0;
    }
    parts.at(-1)!.push(row);
    held += bytes;
  }
  return parts;
}
