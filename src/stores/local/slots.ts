import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import { joinPlace } from '../../io/place.ts';
import type { Clock, Context } from '../../model/contracts.ts';
import { makeStore, type StorePaths } from './layout.ts';
import { StoreLock } from './lock.ts';

/** Older records go; only the newest is ever asked whether a slot had its turn. */
const KEPT = 500;

/** What became of one slot of a schedule. Times are ISO 8601, UTC. */
export interface SlotRecord {
  slot: string;
  /** Name or path of the pipeline. */
  pipeline: string;
  state: 'running' | 'ended' | 'skipped';
  /** Of a skipped one: why. */
  reason?: 'overlap' | 'missed' | 'stopped';
  /** Earlier slots that nobody was there for. */
  missedBefore?: number;
  runId?: string;
  exitCode?: number;
  error?: { code: string; message: string };
  owner: { pid: number; host: string };
  claimedAt: string;
  endedAt?: string;
}

export type SlotResult = Pick<SlotRecord, 'state' | 'reason' | 'runId' | 'exitCode' | 'error'>;

/**
 * The slots of one schedule that had their turn, a file each. A slot belongs to whoever makes its file, so that it runs
 * once however many processes look after the schedule.
 */
export class SlotBook {
  readonly #paths: StorePaths;
  readonly #folder: string;
  readonly #pipeline: string;
  readonly #clock: Clock;

  private constructor(paths: StorePaths, folder: string, pipeline: string, clock: Clock) {
    this.#paths = paths;
    this.#folder = folder;
    this.#pipeline = pipeline;
    this.#clock = clock;
  }

  /** Makes the store where there is none. `pipeline`: what the slots are of, the same on every machine. */
  static async open(root: string, pipeline: string, clock: Clock): Promise<SlotBook> {
    const paths = await makeStore(root, clock);
    const folder = joinPlace(paths.root, 'schedule', hash('sha256', pipeline).slice(0, 16));
    await paths.files.makeFolders([folder]);
    return new SlotBook(paths, folder, pipeline, clock);
  }

  /** Takes a slot; undefined where it had its turn. Durable when it returns. */
  async claim(slot: number, missedBefore: number): Promise<SlotRecord | undefined> {
    const record: SlotRecord = {
      slot: iso(slot),
      pipeline: this.#pipeline,
      state: 'running',
      ...(missedBefore > 0 ? { missedBefore } : {}),
      owner: { pid: process.pid, host: hostname() },
      claimedAt: iso(this.#clock.now()),
    };
    const isOurs = await this.#paths.files.create(this.#path(record), `${JSON.stringify(record)}\n`);
    if (!isOurs) return undefined;
    await this.#forgetOld();
    return record;
  }

  async finish(record: SlotRecord, result: SlotResult): Promise<SlotRecord> {
    const finished = { ...record, ...result, endedAt: iso(this.#clock.now()) };
    await this.#paths.files.write(this.#path(record), `${JSON.stringify(finished)}\n`);
    return finished;
  }

  /** The newest, the last of them last. */
  async newest(count: number): Promise<SlotRecord[]> {
    const names = (await this.#names()).slice(-count);
    const records = await Promise.all(names.map((name) => this.#read(name)));
    return records.filter((record) => record !== undefined);
  }

  /**
   * The last slot that had its turn; before there is one, when the schedule was first looked after, which is `first`
   * where that is now. Milliseconds since the epoch.
   */
  async last(first: number): Promise<number> {
    const name = (await this.#names()).at(-1);
    if (name !== undefined) return timeOf(name);
    const since = joinPlace(this.#folder, 'since');
    const { files } = this.#paths;
    if (await files.create(since, iso(first))) return first;
    // Made by another process, and perhaps not written yet.
    return Date.parse(String(await files.read(since))) || first;
  }

  /** The right to run: a schedule's runs never overlap, whichever process they are of. Throws FatalError STORE_LOCKED. */
  async lock(slot: string, wait: boolean, ctx: Context): Promise<{ release(): Promise<void> }> {
    const { files, lock } = this.#paths;
    const folder = joinPlace(lock, 'schedules', hash('sha256', this.#pipeline).slice(0, 16));
    await files.makeFolders([folder]);
    const what = `the schedule of ${this.#pipeline}`;
    return StoreLock.acquire(files.lock(folder, ctx.clock), { runId: `slot ${slot}`, wait, what }, ctx);
  }

  async #forgetOld(): Promise<void> {
    const old = (await this.#names()).slice(0, -KEPT);
    await Promise.all(old.map((name) => this.#paths.files.remove(joinPlace(this.#folder, name))));
  }

  /** A file that another process has made and not written yet is no record. */
  async #read(name: string): Promise<SlotRecord | undefined> {
    try {
      return JSON.parse(String(await this.#paths.files.read(joinPlace(this.#folder, name)))) as SlotRecord;
    } catch {
      return undefined;
    }
  }

  /** In the order of time, which is that of the names. */
  async #names(): Promise<string[]> {
    return (await this.#paths.files.names(this.#folder)).filter((name) => name.endsWith('.json'));
  }

  #path({ slot }: SlotRecord): string {
    return joinPlace(this.#folder, `${slot.replaceAll(':', '')}.json`);
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

const timeOf = (name: string): number =>
  Date.parse(name.replace(/^(.*T\d\d)(\d\d)(\d\d\.\d+Z)\.json$/, '$1:$2:$3'));
