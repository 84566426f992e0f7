import { setImmediate } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Batch, Batcher } from '../batching/batcher.ts';
import type { Delivery } from '../batching/deliver.ts';
import { annotationOutcomes } from '../batching/delivery-outcome.ts';
import type { Code } from '../model/codes.ts';
import type {
  Context,
  ExistingInput,
  Listed,
  ListingProof,
  Loader,
  ReadyItem,
  Sink,
  SourceItem,
} from '../model/contracts.ts';
import { isOutcome, isTextOnly } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { checkId, type Profile } from '../validation/index.ts';
import type { Accounts } from './accounts.ts';
import { EntryQueue } from './entry-queue.ts';
import { itemFields, outcomeOfError, recordOf } from './failure.ts';
import { annotationsIn, hasLabels, promisedAnnotations } from './item-labels.ts';
import type { RunLabels } from './labels.ts';
import type { ListingPosition } from './listing-position.ts';
import type { Preparer } from './prepare.ts';
import type { Repairer } from './repair.ts';
import type { Ending, RunReport } from './report.ts';
import type { SeenIds } from './seen.ts';

/** A chunk is taken while the next one is listed; listing further ahead only makes the garbage collector copy more. */
const LISTED_AHEAD = 256;
const CHUNK = 256;
/** Items between the listing and the batcher; finished ones wait there for an earlier one, so that order is kept. */
const WINDOW = 2048;

const NO_BATCHES: readonly Batch<ReadyItem>[] = [];

export interface RunnerParts {
  runId: string;
  command: RunReport['command'];
  loader: Loader;
  sink: Sink;
  batcher: Batcher<ReadyItem>;
  delivery: Delivery;
  preparer: Preparer;
  repairer: Repairer;
  labels: RunLabels;
  seen: SeenIds;
  profile: Profile;
  /** Takes the outcome of an entry that did not get as far as a batch. */
  record(outcome: Outcome): void;
  position: ListingPosition;
  /** Takes the outcome of an item that got as far as a batch. */
  settle(ready: ReadyItem, outcome: Outcome): void;
  accounts: Accounts;
  verify: boolean;
  concurrency: number;
  /** Whether rows of this run may be in the store without a ledger line: it is being resumed. */
  resumed: boolean;
  /** Derived ids are unique within a source only. */
  severalSources: boolean;
  ctx: Context;
  /** Aborts `ctx.signal`: the run is over and whatever still reads or waits must let go. */
  halt(): void;
  /** Aborted by the first Ctrl-C: no more is taken, what is under way is finished. `ctx.signal` stops at once. */
  stop: AbortSignal;
  onBatch(batch: { items: number; bytes: number; reason: Batch<ReadyItem>['reason'] }): void;
}

/** `dropped`: not begun when the run was stopped, so it has no outcome and waits for `resume`. */
type Prepared = ReadyItem | ReadyItem[] | Outcome | 'dropped';

/** A prepared item, or one that is being prepared, in its place in the listing order. */
class Pending {
  value: Prepared | undefined;
  readonly settled: Promise<void>;

  constructor(preparing: Promise<Prepared>) {
    this.settled = preparing.then((value) => {
      this.value = value;
    });
    // The error is thrown where the slot is awaited; this only keeps it from counting as unhandled until then.
    this.settled.catch(() => {});
  }
}

/**
 * The way of an item (DESIGN.md §1): listed, prepared with bounded concurrency, batched in listing order, delivered,
 * and written to the ledger once its commit is durable.
 */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #queue = new EntryQueue<Listed>(LISTED_AHEAD);
  readonly #slots: (Prepared | Pending)[] = [];
  readonly #preparing: PQueue;
  #proof: ListingProof | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#preparing = new PQueue({ concurrency: parts.concurrency });
  }

  async run(): Promise<Ending> {
    const { stop, delivery, sink } = this.#parts;
    const onStop = () => this.#queue.abandon();
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    const listing = this.#list();
    try {
      await this.#consume();
      await this.#drainSlots();
      await this.#submit(this.#parts.batcher.end());
      await Promise.all([delivery.idle(), delivery.started().then(() => sink.flush())]);
      await listing;
      if (stop.aborted) return { kind: 'interrupted' };
      if (this.#proof === undefined) throw new Error('the loader ended without a proof');
      return this.#proof.complete ? { kind: 'finished' } : { kind: 'incomplete', reason: this.#proof.reason };
    } catch (thrown) {
      return this.#fatal(thrown);
    } finally {
      stop.removeEventListener('abort', onStop);
      this.#queue.abandon();
      this.#parts.halt();
      await Promise.allSettled([
        listing,
        ...this.#slots.map((s) => (s instanceof Pending ? s.settled : s)),
        delivery.stop(),
      ]);
    }
  }

  async #list(): Promise<void> {
    const { loader, ctx, stop, accounts, position } = this.#parts;
    const entries = loader.list(ctx);
    try {
      for (;;) {
        const next = await entries.next();
        if (next.done) {
          this.#proof = next.value;
          break;
        }
        if (stop.aborted || ctx.signal.aborted) break;
        accounts.listed++;
        position.listed(next.value.uri);
        if (!this.#queue.push(next.value)) await this.#queue.room();
      }
      await entries.return?.({ complete: false, reason: 'stopped' });
      this.#queue.end();
    } catch (error) {
      this.#queue.end(asError(error));
    }
  }

  async #consume(): Promise<void> {
    let taking = this.#take();
    for (;;) {
      await this.#handOverReady();
      const chunk = await this.#nextOf(taking);
      if (chunk === 'other') continue;
      if (chunk === undefined) return;
      await this.#admit(chunk);
      while (this.#slots.length > WINDOW) await this.#handOverFirst();
      // A source that is in memory would otherwise keep timers, signals and finished reads waiting.
      await setImmediate();
      taking = this.#take();
    }
  }

  /** What the listing threw is thrown where the chunk is awaited, which may be only after a slow delivery. */
  #take(): Promise<Listed[] | undefined> {
    const taking = this.#queue.take(CHUNK);
    taking.catch(() => {});
    return taking;
  }

  /** Waits for entries, for the first slot to settle, or for the pending batch to be due, whichever is first. */
  async #nextOf(taking: Promise<Listed[] | undefined>): Promise<Listed[] | undefined | 'other'> {
    const { batcher, ctx } = this.#parts;
    const waits: Promise<Listed[] | undefined | 'other'>[] = [taking];
    const first = this.#slots[0];
    if (first instanceof Pending) waits.push(first.settled.then(() => 'other' as const));
    const dueAt = batcher.nextDueAt();
    const timer = new AbortController();
    if (dueAt !== undefined) {
      const due = ctx.clock.sleep(Math.max(0, dueAt - ctx.clock.now()), timer.signal);
      waits.push(due.then(() => 'other' as const));
      due.catch(() => {});
    }
    try {
      return await Promise.race(waits);
    } finally {
      timer.abort();
    }
  }

  async #drainSlots(): Promise<void> {
    while (this.#slots.length > 0) await this.#handOverFirst();
  }

  /** Everything at the head that has settled, and a batch that is due. */
  async #handOverReady(): Promise<void> {
    const { batcher, ctx } = this.#parts;
    for (let first = this.#slots[0]; first !== undefined; first = this.#slots[0]) {
      const prepared = first instanceof Pending ? first.value : first;
      if (prepared === undefined) break;
      this.#slots.shift();
      for (const batch of this.#handOver(prepared)) await this.#submit(batch);
    }
    await this.#submit(batcher.due(ctx.clock.now()));
  }

  async #handOverFirst(): Promise<void> {
    const slot = this.#slots[0]!;
    if (slot instanceof Pending) await slot.settled;
    this.#slots.shift();
    const prepared = slot instanceof Pending ? slot.value! : slot;
    for (const batch of this.#handOver(prepared)) await this.#submit(batch);
  }

  /** Gives the batches that are closed now; synchronous, for most items close none. */
  #handOver(prepared: Prepared): readonly Batch<ReadyItem>[] {
    if (prepared === 'dropped') return NO_BATCHES;
    if (Array.isArray(prepared)) return prepared.flatMap((part) => [...this.#handOver(part)]);
    if ('outcome' in prepared) {
      this.#parts.record(prepared);
      return NO_BATCHES;
    }
    const { batcher, ctx } = this.#parts;
    const alone = prepared.kind === 'video';
    const added = batcher.add(prepared, { bytes: prepared.wireBytes, alone }, ctx.clock.now());
    if (added.oversized !== undefined) this.#oversize(added.oversized);
    return added.batches;
  }

  #oversize(ready: ReadyItem): void {
    const { item, wireBytes } = ready;
    const limit = this.#parts.batcher.limits.bytes;
    ready.release();
    this.#parts.settle(
      ready,
      outcomeOf(item.uri, 'batch', 'INPUT_BATCH_OVERSIZE', {
        ...itemFields(item),
        ...(ready.annotations === undefined ? {} : { annotations: annotationOutcomes(ready) }),
        sha256: ready.sha256,
        kind: ready.kind,
        bytes: ready.bytes,
        message: `alone it makes a request of ${wireBytes} bytes; one request stays under ${limit}`,
        measured: wireBytes,
        limit,
      }),
    );
  }

  async #submit(batch: Batch<ReadyItem> | undefined): Promise<void> {
    if (batch === undefined) return;
    this.#parts.onBatch({ items: batch.items.length, bytes: batch.bytes, reason: batch.reason });
    await this.#parts.delivery.submit(batch);
  }

  /** Decides for each entry of a chunk, in order, whether it is settled already or must be read. */
  async #admit(chunk: Listed[]): Promise<void> {
    const { command, sink, seen, labels, profile, preparer, runId, resumed, verify, ctx } = this.#parts;
    const { accounts, severalSources, repairer } = this.#parts;
    const items: SourceItem[] = [];
    for (const entry of chunk) {
      if (isOutcome(entry)) {
        accounts.annotations.listed += annotationsIn(entry);
        this.#slots.push(entry);
      } else {
        accounts.annotations.listed += promisedAnnotations(entry);
        try {
          if (entry.idGiven) checkId(entry.id, profile);
        } catch (error) {
          this.#slots.push(outcomeOfError(entry, 'validate', error, ctx.signal));
          continue;
        }
        // A derived id is made from what is unique within the source; a retry takes just what was selected.
        const mayRepeat = (entry.idGiven || severalSources) && command !== 'retry';
        const first = mayRepeat ? seen.firstUse(entry.id, entry.uri) : undefined;
        if (first !== undefined) this.#slots.push(duplicate(entry, first));
        else {
          // What label sources say wins over what the run says of every item, so it must be known first.
          if (!hasLabels(entry)) labels.apply(entry);
          items.push(entry);
        }
      }
    }
    const existing = await sink.existing(items.map((item) => item.id));
    for (const item of items) {
      const stored = existing.get(item.id);
      const mustRead = verify || needsText(item, stored);
      if (stored !== undefined && resumed && stored.runId === runId && stored.uri === item.uri) {
        this.#slots.push(
          hasLabels(item) ? this.#later(() => this.#committed(item, stored)) : committed(item, stored),
        );
      } else if (stored !== undefined && !mustRead && preparer.isUnchanged(item, stored)) {
        this.#slots.push(
          hasLabels(item)
            ? this.#later(() => preparer.relabelled(item, stored))
            : preparer.unchanged(item, stored),
        );
      } else if (isInlineText(item)) {
        // The budget is given in listing order: not before items that wait to be read.
        const ready = this.#preparing.size > 0 ? undefined : preparer.inline(item);
        const again = ready === undefined || ('outcome' in ready && repairer.mayHelp(ready));
        this.#slots.push(again ? this.#later(() => this.#prepare(item)) : ready);
      } else {
        this.#slots.push(this.#later(() => this.#prepare(item, mustRead ? undefined : stored)));
      }
    }
  }

  async #prepare(item: SourceItem, stored?: ExistingInput): Promise<ReadyItem | ReadyItem[] | Outcome> {
    const { preparer, repairer } = this.#parts;
    const prepared = await preparer.prepare(item, stored);
    return 'outcome' in prepared && repairer.mayHelp(prepared) ? repairer.repair(item, prepared) : prepared;
  }

  /** As `committed`; its labels are looked at again, for only they tell which annotations could not be used. */
  async #committed(item: SourceItem, stored: ExistingInput): Promise<Outcome> {
    const { preparer } = this.#parts;
    const ready = await (needsText(item, stored)
      ? preparer.prepare(item)
      : preparer.relabelled(item, stored));
    if ('outcome' in ready) return ready;
    ready.release();
    return { ...committed(item, stored, ready.warnings), annotations: annotationOutcomes(ready) };
  }

  #later(prepare: () => Promise<ReadyItem | ReadyItem[] | Outcome>): Pending {
    const { stop } = this.#parts;
    return new Pending(this.#preparing.add(async () => (stop.aborted ? 'dropped' : prepare())));
  }

  #fatal(thrown: unknown): Ending {
    const { stop, ctx } = this.#parts;
    if (thrown instanceof FatalError) return { kind: 'fatal', error: thrown };
    if (ctx.signal.aborted || stop.aborted) return { kind: 'interrupted' };
    const error = asError(thrown);
    return { kind: 'fatal', error: new FatalError('INTERNAL', error.message, { cause: error }) };
  }
}

/** A text in memory with nothing to load or check beside it, which needs no promise. */
const isInlineText = (item: SourceItem): item is SourceItem & { text: string } =>
  item.text !== undefined && isTextOnly(item) && !hasLabels(item);

/** Spans are held against the text itself, which the store's row does not say the length of. */
const needsText = (item: SourceItem, stored: ExistingInput | undefined): boolean =>
  stored?.kind === 'text' && promisedAnnotations(item) > 0;

/** Of two items with one id in a run the first listed wins (DESIGN.md §4). */
function duplicate(item: SourceItem, first: string): Outcome {
  return outcomeOf(item.uri, 'list', 'INPUT_DUPLICATE', {
    ...itemFields(item),
    message: `${item.uri} has the same id as ${first}: ${item.id}`,
    record: { ...recordOf(item), first },
  });
}

/** An item that this run stored before it was cut off, and whose ledger line was lost with the process. */
function committed(item: SourceItem, stored: ExistingInput, others: readonly Code[] = []): Outcome {
  const { sha256, bytes, kind, media, runCode } = stored;
  const warnings: Code[] = media.original === undefined ? [...others] : ['REPAIRED', ...others];
  return outcomeOf(item.uri, 'deliver', runCode, {
    ...itemFields(item),
    sha256,
    bytes,
    kind,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(kind !== 'text' && item.text ? { withText: true } : {}),
  });
}
