import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeFailure } from '../io/disk-errors.ts';
import type { Clock } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import type { BucketFiles } from '../stores/index.ts';

/** New lines wait so long for others, since each part is an object of its own until the run ends. */
const PUSH_MS = 5_000;
const SEGMENT_BYTES = 8_000_000;
const NEWLINE = 10;
/** Files that only grow, in the order in which their lines are written. */
const GROWING = ['failures.jsonl', 'ledger.jsonl'] as const;

type GrowingFile = (typeof GROWING)[number];

/**
 * The files of a run of a store in a bucket, `runs/<run-id>/`, beside the working copy on this machine.
 *
 * What of the ledger was not there yet when its machine died is found again by the run's id in the rows of the store.
 * Files that grow are there in parts, `<file>.parts/<offset>`, and whole once the run has ended.
 */
export class RunMirror {
  /** `s3://bucket/prefix` */
  readonly store: string;
  /** `s3://bucket/prefix/runs/<run-id>` */
  readonly place: string;
  readonly #files: BucketFiles;
  readonly #clock: Clock;
  /** Bytes that are there, by file; undefined before the first part of this process. */
  readonly #sent = new Map<GrowingFile, number>();
  #pushedAt = Number.NEGATIVE_INFINITY;

  constructor(store: string, runId: string, files: BucketFiles, clock: Clock) {
    this.store = store;
    this.place = `${store}/runs/${runId}`;
    this.#files = files;
    this.#clock = clock;
  }

  at(name: string): string {
    return `${this.place}/${name}`;
  }

  async read(name: string): Promise<string | undefined> {
    return (await this.#files.read(this.at(name)))?.toString();
  }

  async write(name: string, text: string): Promise<void> {
    await this.#files.write(this.at(name), text);
  }

  /** What a new run's folder holds; the manifest, which makes it a run, last. */
  async begin(folder: string): Promise<void> {
    const names = (await readdir(folder)).filter((name) => name !== 'run.json');
    for (const name of [...names, 'run.json']) await this.push(folder, name);
  }

  async push(folder: string, name: string): Promise<void> {
    await this.#files.upload(join(folder, name), this.at(name));
  }

  /** Whether it is time to push lines. */
  get isDue(): boolean {
    return this.#clock.now() - this.#pushedAt >= PUSH_MS;
  }

  /** The whole lines that were written since. */
  async pushLines(folder: string): Promise<void> {
    this.#pushedAt = this.#clock.now();
    for (const name of GROWING) await this.#pushLines(folder, name);
  }

  async #pushLines(folder: string, name: GrowingFile): Promise<void> {
    const path = join(folder, name);
    if (!existsSync(path)) return;
    if (!this.#sent.has(name)) await this.#removeParts(name);
    let sent = this.#sent.get(name) ?? 0;
    await using file = await open(path);
    for (;;) {
      const { size } = await file.stat();
      const block = Buffer.alloc(Math.min(SEGMENT_BYTES, size - sent));
      const { bytesRead } = await file.read(block, 0, block.length, sent);
      const end = block.lastIndexOf(NEWLINE, bytesRead - 1) + 1;
      if (bytesRead === 0 || end === 0) break;
      await this.#files.write(
        `${this.#partsOf(name)}/${String(sent).padStart(15, '0')}`,
        block.subarray(0, end),
      );
      sent += end;
      this.#sent.set(name, sent);
    }
    this.#sent.set(name, sent);
  }

  /** All lines, in one object each; for the end of a run. */
  async finish(folder: string): Promise<void> {
    for (const name of GROWING) {
      if (!existsSync(join(folder, name))) continue;
      await this.push(folder, name);
      await this.#removeParts(name);
      this.#sent.set(name, (await stat(join(folder, name))).size);
    }
  }

  /** Brings the run's files to `folder`, in place of what is there. */
  async fetch(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const name of ['run.json', 'selection.jsonl', 'checkpoint.json']) {
      await rm(join(folder, name), { force: true });
      await this.#fetch(name, join(folder, name));
    }
    for (const name of GROWING) this.#sent.set(name, await this.#fetchLines(folder, name));
  }

  /** Whether there is a ledger: `runs prune` removes it. */
  async hasLedger(): Promise<boolean> {
    if ((await this.#files.sizeOf(this.at('ledger.jsonl'))) !== undefined) return true;
    return (await this.#files.names(this.#partsOf('ledger.jsonl'))).length > 0;
  }

  async removeLines(): Promise<void> {
    await this.#files.remove(this.at('selection.jsonl'));
    for (const name of GROWING) {
      await this.#removeParts(name);
      await this.#files.remove(this.at(name));
    }
  }

  /** Bytes of it. */
  async #fetchLines(folder: string, name: GrowingFile): Promise<number> {
    const path = join(folder, name);
    await rm(path, { force: true });
    let bytes = (await this.#fetch(name, path)) ?? 0;
    for (const part of await this.#files.names(this.#partsOf(name))) {
      const from = Number(part);
      // A part that the whole file has, too, was left by a kill.
      if (from < bytes) continue;
      const data = from === bytes ? await this.#files.read(`${this.#partsOf(name)}/${part}`) : undefined;
      if (data === undefined) {
        const message = `${this.at(name)} lacks the bytes ${bytes} to ${from}`;
        throw new FatalError('STORE_CORRUPT', message);
      }
      await writeFile(path, data, { flag: 'a' }).catch((error: unknown) => {
        throw writeFailure(error, path);
      });
      bytes += data.length;
    }
    return bytes;
  }

  async #fetch(name: string, path: string): Promise<number | undefined> {
    const stream = await this.#files.open(this.at(name));
    if (stream === undefined) return undefined;
    await pipeline(stream, createWriteStream(path));
    return (await stat(path)).size;
  }

  async #removeParts(name: GrowingFile): Promise<void> {
    const parts = this.#partsOf(name);
    for (const part of await this.#files.names(parts)) await this.#files.remove(`${parts}/${part}`);
  }

  #partsOf(name: GrowingFile): string {
    return this.at(`${name}.parts`);
  }
}
