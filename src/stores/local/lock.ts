import { hostname } from 'node:os';
import { errnoOf } from '../../io/disk-errors.ts';
import type { Clock, Context } from '../../model/contracts.ts';
import { asError, FatalError } from '../../model/errors.ts';
import { type LockEntry, LockFiles, type LockOwner, type LockPlace } from './lock-file.ts';
import { processSpace, processState } from './process-identity.ts';

const HEARTBEAT_MS = 5_000;
/** An owner that cannot be asked is dead after this long without a heartbeat: six were missed. */
const STALE_MS = 30_000;
const POLL_MS = 250;

export interface LockRequest {
  runId: string;
  /** Wait for the owner to let go, instead of STORE_LOCKED. */
  wait: boolean;
  /** What is locked, for messages; the store unless given. */
  what?: string;
}

/**
 * The right to write to a store, or to another place.
 *
 * A dead owner is followed at once: on this machine its process is gone, or its id belongs to a process that began
 * later; from elsewhere its heartbeat is 30 s old.
 */
export class StoreLock {
  readonly #files: LockPlace;
  readonly #generation: number;
  readonly #owner: LockOwner;
  readonly #ctx: Context;
  readonly #released = new AbortController();
  readonly #beating: Promise<void>;

  private constructor(files: LockPlace, generation: number, owner: LockOwner, ctx: Context) {
    this.#files = files;
    this.#generation = generation;
    this.#owner = owner;
    this.#ctx = ctx;
    this.#beating = this.#beat();
  }

  /** `place`: a folder, or what `StoreFiles` has. Throws FatalError STORE_LOCKED naming the owner; the signal's reason while waiting. */
  static async acquire(
    place: string | LockPlace,
    { runId, wait, what = 'the store' }: LockRequest,
    ctx: Context,
  ): Promise<StoreLock> {
    const files = lockAt(place);
    const space = await processSpace();
    const { start } = await processState(process.pid);
    for (let waited = false; ; ) {
      ctx.signal.throwIfAborted();
      const newest = await files.newest();
      if (newest !== undefined && (await isHeld(newest, space, ctx.clock.now()))) {
        if (!wait) throw locked(newest, what);
        if (!waited) ctx.logger.warn({ owner: newest.owner }, `waiting for another run to let go of ${what}`);
        waited = true;
        await ctx.clock.sleep(POLL_MS, ctx.signal);
        continue;
      }
      const generation = (newest?.generation ?? 0) + 1;
      const owner: LockOwner = {
        pid: process.pid,
        space,
        host: hostname(),
        ...(start === undefined ? {} : { processStart: start }),
        runId,
        acquiredAt: new Date(ctx.clock.now()).toISOString(),
      };
      if (!(await files.take(generation, owner))) continue;
      const present = await files.generations();
      if (present.at(-1) !== generation) {
        await files.remove(generation);
        continue;
      }
      for (const older of present.slice(0, -1)) await files.remove(older);
      return new StoreLock(files, generation, owner, ctx);
    }
  }

  /** Throws FatalError STORE_LOCKED when another process, not hearing from this one, took the lock over. */
  async assertHeld(): Promise<void> {
    const newest = await this.#files.newest();
    if (newest?.generation !== this.#generation) {
      throw new FatalError(
        'STORE_LOCKED',
        `run ${this.#owner.runId} was not heard from for too long and lost the store to ${describe(newest)}`,
      );
    }
  }

  async release(): Promise<void> {
    this.#released.abort();
    await this.#beating;
    try {
      const newest = await this.#files.newest();
      if (newest?.generation === this.#generation) await this.#files.release(this.#generation, this.#owner);
    } catch (error) {
      // The end of this process frees it as well.
      this.#ctx.logger.warn({ error: asError(error).message }, 'the lock of the store could not be released');
    }
  }

  async #beat(): Promise<void> {
    const { clock, logger } = this.#ctx;
    const { signal } = this.#released;
    while (!signal.aborted) {
      await this.#files.beat(this.#generation, clock.now()).catch((error: unknown) => {
        logger.warn(
          { error: asError(error).message },
          'the heartbeat of the store’s lock could not be written',
        );
      });
      await clock.sleep(HEARTBEAT_MS, signal).catch(() => {});
    }
  }
}

const lockAt = (place: string | LockPlace): LockPlace =>
  typeof place === 'string' ? new LockFiles(place) : place;

/** Who holds the lock now; undefined where nobody does. A folder may not be there. */
export async function lockHolder(place: string | LockPlace, { now }: Clock): Promise<LockOwner | undefined> {
  try {
    const newest = await lockAt(place).newest();
    if (newest === undefined || !(await isHeld(newest, await processSpace(), now()))) return undefined;
    return newest.owner;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function isHeld({ owner, heartbeat }: LockEntry, space: string, now: number): Promise<boolean> {
  const fresh = now - heartbeat < STALE_MS;
  if (owner === undefined) return fresh;
  if (owner.released) return false;
  if (owner.space !== space) return fresh;
  const { alive, start } = await processState(owner.pid);
  if (!alive) return false;
  if (start === undefined || owner.processStart === undefined) return fresh;
  return start === owner.processStart;
}

const locked = (entry: LockEntry, what: string): FatalError =>
  new FatalError('STORE_LOCKED', `${what} is being written by ${describe(entry)}; --wait waits for it`);

function describe(entry: LockEntry | undefined): string {
  if (entry?.owner === undefined) return 'another process';
  const { runId, pid, host, acquiredAt } = entry.owner;
  return `run ${runId} (process ${pid} on ${host}, since ${acquiredAt})`;
}
