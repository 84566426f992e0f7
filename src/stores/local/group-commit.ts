import type { Clock } from '../../model/contracts.ts';

export interface Size {
  rows: number;
  /** What the group must sync or hold. */
  bytes: number;
}

export interface GroupLimits extends Size {
  /** How long the first entry of a group waits for others. */
  ageMs: number;
}

export interface GroupOptions<Entry, Result> {
  limits: GroupLimits;
  clock: Clock;
  /** One result per entry, in order. What it throws rejects the entries of this group, and no others. */
  commit(entries: readonly Entry[]): Promise<Result[]>;
  /** Runs after each commit has answered and before the next begins. */
  afterwards?(): Promise<void>;
}

interface Waiting<Entry, Result> {
  entry: Entry;
  size: Size;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Gathers entries into commits, closed by rows, bytes or age, whichever comes first. One commit runs at a time; what
 * comes meanwhile makes the next one.
 */
export class GroupCommit<Entry, Result> {
  readonly #options: GroupOptions<Entry, Result>;
  #queue: Waiting<Entry, Result>[] = [];
  #rows = 0;
  #bytes = 0;
  /** Commit although the group is not full: somebody flushes, or it is old enough. */
  #due = false;
  #timer: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(options: GroupOptions<Entry, Result>) {
    this.#options = options;
  }

  add(entry: Entry, size: Size): Promise<Result> {
    const result = new Promise<Result>((resolve, reject) => {
      this.#queue.push({ entry, size, resolve, reject });
    });
    this.#rows += size.rows;
    this.#bytes += size.bytes;
    if (this.#queue.length === 1) this.#startTimer();
    this.#pump();
    return result;
  }

  /** Resolves when everything added before has its result. */
  async flush(): Promise<void> {
    while (this.#running !== undefined || this.#queue.length > 0) {
      this.#due = this.#queue.length > 0;
      this.#pump();
      await this.#running;
    }
  }

  /** Rejects everything that is not being committed yet, and returns it. */
  abandon(reason: unknown): Entry[] {
    const abandoned = this.#queue;
    this.#queue = [];
    this.#rows = 0;
    this.#bytes = 0;
    this.#timer?.abort();
    for (const { reject } of abandoned) reject(reason);
    return abandoned.map(({ entry }) => entry);
  }

  #pump(): void {
    const { limits } = this.#options;
    const full = this.#rows >= limits.rows || this.#bytes >= limits.bytes;
    if (this.#running !== undefined || this.#queue.length === 0 || !(full || this.#due)) return;
    this.#running = this.#run(this.#take()).finally(() => {
      this.#running = undefined;
      this.#pump();
    });
  }

  /** The oldest entries that fill a commit; at least one. */
  #take(): Waiting<Entry, Result>[] {
    const { limits } = this.#options;
    let rows = 0;
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && rows < limits.rows && bytes < limits.bytes) {
      const { size } = this.#queue[count++]!;
      rows += size.rows;
      bytes += size.bytes;
    }
    const taken = this.#queue.splice(0, count);
    this.#rows -= rows;
    this.#bytes -= bytes;
    this.#timer?.abort();
    this.#due = false;
    if (this.#queue.length > 0) this.#startTimer();
    return taken;
  }

  async #run(group: Waiting<Entry, Result>[]): Promise<void> {
    try {
      const results = await this.#options.commit(group.map(({ entry }) => entry));
      group.forEach(({ resolve }, i) => {
        resolve(results[i]!);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    await this.#options.afterwards?.();
  }

  #startTimer(): void {
    const timer = new AbortController();
    this.#timer = timer;
    void this.#options.clock.sleep(this.#options.limits.ageMs, timer.signal).then(
      () => {
        this.#due = true;
        this.#pump();
      },
      () => {},
    );
  }
}
