import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names held in memory before they are spilled: about 10 MB of strings at common name lengths. */
const DEFAULT_SPILL_AFTER = 65_536;
/** Shared by the runs of a merge. */
const MERGE_BYTES = 4_000_000;
const LEAST_READ_BYTES = 4096;
/** Joined into one write. */
const WRITE_LINES = 1024;

export interface ExternalSortOptions {
  /** Lines held in memory; more are sorted in runs of so many on disk. */
  spillAfter?: number;
  /** Folder for the spill file; the system's by default. */
  tmpDir?: string;
}

/**
 * Sorts lines of any number in bounded memory. A line has characters U+0001–U+00FF, one byte each.
 *
 * All runs share one spill file, which is unlinked as soon as it is open, so that no kill leaves it behind.
 */
export class ExternalSort {
  readonly #spillAfter: number;
  readonly #tmpDir: string;
  #lines: string[] = [];
  #folder: string | undefined;
  #file: FileHandle | undefined;
  readonly #runs: { start: number; end: number }[] = [];
  #written = 0;

  constructor(options: ExternalSortOptions = {}) {
    this.#spillAfter = options.spillAfter ?? DEFAULT_SPILL_AFTER;
    this.#tmpDir = options.tmpDir ?? tmpdir();
  }

  add(line: string): void {
    this.#lines.push(line);
  }

  /** Whether memory holds as much as it may: `spill` before adding more. */
  get full(): boolean {
    return this.#lines.length >= this.#spillAfter;
  }

  /** Writes the lines held in memory to disk as one sorted run. */
  async spill(): Promise<void> {
    const lines = this.#lines.sort(byCodeUnit);
    this.#lines = [];
    this.#file ??= await this.#openFile();
    const start = this.#written;
    for (let at = 0; at < lines.length; at += WRITE_LINES) {
      const bytes = Buffer.from(`${lines.slice(at, at + WRITE_LINES).join('\0')}\0`, 'latin1');
      await this.#file.appendFile(bytes);
      this.#written += bytes.length;
    }
    this.#runs.push({ start, end: this.#written });
  }

  /** All lines in order; call it once, when everything was added. */
  async *sorted(): AsyncGenerator<string, void, void> {
    const rest = this.#lines.sort(byCodeUnit);
    this.#lines = [];
    if (this.#file === undefined) {
      yield* rest;
      return;
    }
    const readBytes = Math.max(LEAST_READ_BYTES, Math.floor(MERGE_BYTES / this.#runs.length));
    const heads = [new Run(rest)];
    for (const run of this.#runs) heads.push(new Run([], { file: this.#file, ...run, readBytes }));
    yield* merge(heads);
  }

  /** Gives the disk space back; safe to call at any time and more than once. */
  async close(): Promise<void> {
    this.#lines = [];
    const file = this.#file;
    const folder = this.#folder;
    this.#file = undefined;
    this.#folder = undefined;
    await file?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  async #openFile(): Promise<FileHandle> {
    this.#folder = await mkdtemp(join(this.#tmpDir, 'sluice-sort-'));
    const file = await open(join(this.#folder, 'runs'), 'wx+');
    // Where an open file cannot be unlinked, close() removes it.
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
    return file;
  }
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A sorted run being read: what is in memory of it, and the part of the spill file that is not. */
class Run {
  head: string | undefined;
  #lines: string[];
  #next = 0;
  #torn = '';
  readonly #source: { file: FileHandle; start: number; end: number; readBytes: number } | undefined;

  constructor(lines: string[], source?: { file: FileHandle; start: number; end: number; readBytes: number }) {
    this.#lines = lines;
    this.#source = source;
  }

  /** Moves `head` on without waiting; false when the disk must be read first. */
  step(): boolean {
    if (this.#next < this.#lines.length) {
      this.head = this.#lines[this.#next++];
      return true;
    }
    this.head = undefined;
    return this.#source === undefined || this.#source.start >= this.#source.end;
  }

  async advance(): Promise<void> {
    while (!this.step()) await this.#fill();
  }

  async #fill(): Promise<void> {
    const source = this.#source!;
    const chunk = Buffer.alloc(Math.min(source.readBytes, source.end - source.start));
    const { bytesRead } = await source.file.read(chunk, 0, chunk.length, source.start);
    if (bytesRead === 0)
      throw new Error(`the spill file of a sort ends at byte ${source.start}, not ${source.end}`);
    source.start += bytesRead;
    const lines = (this.#torn + chunk.toString('latin1', 0, bytesRead)).split('\0');
    this.#torn = lines.pop() ?? '';
    this.#lines = lines;
    this.#next = 0;
  }
}

/** Merges sorted runs with a binary heap of their heads. */
async function* merge(runs: Run[]): AsyncGenerator<string, void, void> {
  for (const run of runs) await run.advance();
  const heap = runs.filter((run) => run.head !== undefined).sort((a, b) => byCodeUnit(a.head!, b.head!));
  while (heap.length > 0) {
    const least = heap[0]!;
    yield least.head!;
    if (!least.step()) await least.advance();
    if (least.head === undefined) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    siftDown(heap);
  }
}

function siftDown(heap: Run[]): void {
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && heap[child]!.head! < heap[least]!.head!) least = child;
    }
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
