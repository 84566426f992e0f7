import { asError, FatalError, SluiceError } from '../../model/errors.ts';
import type { SlotRecord } from '../../stores/index.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import { runRead } from '../file/run.ts';
import type { RunOverrides } from '../file/to-request.ts';
import type { RunReport } from '../report.ts';
import { type DueSlot, dueSlot } from './due.ts';
import { openScheduled, type ScheduledPipeline } from './scheduled.ts';

/** Slept at once at most, so that a machine that was asleep, or whose clock was set, is noticed. */
const NAP_MS = 20_000;
/** A slot this young is due also when nobody looked at the schedule before. */
const FIRST_LOOK_MS = 60_000;

export type SlotEvent =
  | { type: 'started' | 'skipped'; pipeline: string; record: SlotRecord }
  | { type: 'ended'; pipeline: string; record: SlotRecord; report?: RunReport };

export interface ScheduleRequest extends RunOverrides {
  /** Pipeline files. */
  pipelines: readonly string[];
  /** Take what is due now and end, for a cron of the system. */
  once?: boolean;
  onSlot?(event: SlotEvent): void;
  /** What the runs of a slot report to, beside the environment's own. */
  run?(start: (env: RunEnvironment) => Promise<RunReport>): Promise<RunReport>;
}

/**
 * Looks after the schedules of pipelines until it is stopped, or once. Gives the worst exit code of the runs.
 *
 * A slot runs once, also where several processes look after it. Throws FatalError only for what is wrong before the
 * first slot; later, what goes wrong with a slot is in its record.
 */
export async function runSchedule(
  request: ScheduleRequest,
  given?: Partial<RunEnvironment>,
): Promise<number> {
  const env = environment(given);
  // All of them first: what is wrong with one is said before another runs.
  const opened = await Promise.all(request.pipelines.map((path) => openScheduled(path, request, env)));
  const keepers = opened.map((scheduled) => new Keeper(scheduled, request, env));
  await Promise.all(keepers.map((keeper) => keeper.keep()));
  return Math.max(0, ...keepers.map(({ exitCode }) => exitCode));
}

/** Looks after one schedule. */
class Keeper {
  exitCode = 0;
  readonly #path: string;
  readonly #request: ScheduleRequest;
  readonly #env: RunEnvironment;
  #scheduled: ScheduledPipeline;
  #queued = false;
  readonly #runs = new Set<Promise<void>>();

  constructor(scheduled: ScheduledPipeline, request: ScheduleRequest, env: RunEnvironment) {
    this.#path = scheduled.path;
    this.#scheduled = scheduled;
    this.#request = request;
    this.#env = env;
  }

  async keep(): Promise<void> {
    const { clock, stop } = this.#env;
    try {
      for (;;) {
        await this.#look();
        if (this.#request.once || stop.aborted) return;
        const next = this.#scheduled.slots.after(clock.now()) ?? Number.POSITIVE_INFINITY;
        await clock.sleep(Math.max(1, Math.min(next - clock.now(), NAP_MS)), stop);
        if (next <= clock.now()) await this.#readAgain();
      }
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      await Promise.all(this.#runs);
    }
  }

  /** What keeps it from looking, such as a full disk, may pass. */
  async #look(): Promise<void> {
    const { clock, stop, logger } = this.#env;
    const { slots, book } = this.#scheduled;
    try {
      const last = await book.last(clock.now() - FIRST_LOOK_MS);
      const due = dueSlot(slots, last, clock.now());
      if (due !== undefined) await this.#take(due);
    } catch (error) {
      if (this.#request.once || stop.aborted) throw error;
      logger.error(
        { error: asError(error).message },
        `the schedule of ${this.#path} cannot be kept just now; it is tried again`,
      );
    }
  }

  /** The file may have changed; one that is broken by now keeps the schedule that it had. */
  async #readAgain(): Promise<void> {
    try {
      this.#scheduled = await openScheduled(this.#path, this.#request, this.#env);
    } catch (error) {
      if (!(error instanceof FatalError)) throw error;
      this.#env.logger.warn({ error: error.message }, `${this.#path} cannot be used as it is now`);
    }
  }

  async #take({ slot, late, missedBefore }: DueSlot): Promise<void> {
    const { book, options } = this.#scheduled;
    const record = await book.claim(slot, missedBefore);
    if (record === undefined) return;
    if (late && options.missed === 'skip') return this.#skip(record, 'missed');
    const lock = await this.#lock(record, false);
    if (lock !== undefined) return this.#begin(this.#run(record, lock));
    if (options.overlap === 'skip' || this.#queued) return this.#skip(record, 'overlap');
    this.#queued = true;
    this.#begin(this.#runLater(record));
  }

  #begin(run: Promise<void>): void {
    const ended = run
      .catch((error: unknown) => {
        this.#ended(1);
        const told = `what a slot of ${this.#path} came to could not be written`;
        this.#env.logger.error({ error: asError(error).message }, told);
      })
      .finally(() => this.#runs.delete(ended));
    this.#runs.add(ended);
  }

  async #runLater(record: SlotRecord): Promise<void> {
    const lock = await this.#lock(record, true).finally(() => {
      this.#queued = false;
    });
    if (lock === undefined) return this.#skip(record, 'stopped');
    await this.#run(record, lock);
  }

  /** Undefined where another slot of the schedule runs, or this process is asked to stop. */
  async #lock(record: SlotRecord, wait: boolean): Promise<{ release(): Promise<void> } | undefined> {
    const { stop } = this.#env;
    try {
      return await this.#scheduled.book.lock(record.slot, wait, { ...contextOf(this.#env), signal: stop });
    } catch (error) {
      if (stop.aborted || (error instanceof FatalError && error.code === 'STORE_LOCKED')) return undefined;
      throw error;
    }
  }

  async #skip(record: SlotRecord, reason: NonNullable<SlotRecord['reason']>): Promise<void> {
    const skipped = await this.#scheduled.book.finish(record, { state: 'skipped', reason });
    this.#request.onSlot?.({ type: 'skipped', pipeline: this.#scheduled.name, record: skipped });
  }

  async #run(record: SlotRecord, lock: { release(): Promise<void> }): Promise<void> {
    const { name, pipeline, book } = this.#scheduled;
    const { onSlot, run = (start) => start(this.#env) } = this.#request;
    onSlot?.({ type: 'started', pipeline: name, record });
    try {
      // Another pipeline may write to the store just now.
      const overrides = { ...this.#request, wait: true };
      const report = await run((env) => runRead(pipeline, overrides, env));
      const { runId, exitCode, error } = report;
      this.#ended(exitCode);
      const result = { state: 'ended' as const, runId, exitCode, ...(error === undefined ? {} : { error }) };
      onSlot?.({ type: 'ended', pipeline: name, record: await book.finish(record, result), report });
    } catch (thrown) {
      const { message } = asError(thrown);
      const code = thrown instanceof SluiceError ? thrown.code : 'INTERNAL';
      const interrupted = this.#env.stop.aborted || this.#env.abort.aborted;
      const exitCode = interrupted ? 130 : 1;
      this.#ended(exitCode);
      const result = { state: 'ended' as const, exitCode, error: { code, message } };
      onSlot?.({ type: 'ended', pipeline: name, record: await book.finish(record, result) });
    } finally {
      await lock.release();
    }
  }

  #ended(exitCode: number): void {
    this.exitCode = Math.max(this.exitCode, exitCode);
  }
}
