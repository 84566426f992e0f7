import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { asError, FatalError } from '../model/errors.ts';
import type { RunConfig } from './config.ts';
import type { BatchTotals, RunReport } from './report.ts';
import { isRunId } from './run-id.ts';
import type { RunMirror } from './run-mirror.ts';

/** `run.json`: what the run was asked to do and with what. */
export interface RunManifest {
  schema: 1;
  type: 'run';
  runId: string;
  command: RunReport['command'];
  /** Of a retry: the run whose failures it takes up. */
  retryOf?: string;
  /** Of a retry: the upload log whose failures were selected from the source. */
  retryLog?: { path: string; duplicates: boolean };
  config: RunConfig;
  configHash: string;
  source: { describes: string; fingerprint?: string };
  versions: { sluice: string; node: string };
  startedAt: string;
}

/** Counters that the ledger does not hold, saved about once a second so that a killed run keeps them. */
export interface RunCheckpoint {
  batches: BatchTotals;
  bytesRead: number;
  /** Of the listing: where a resume may begin, because everything before it has a line in the ledger. */
  position?: string;
  /** Of a re-index: vectors that were written. */
  vectors?: number;
}

const CHECKPOINT = 'checkpoint.json';

/**
 * The files of one run, `<store>/runs/<run-id>/`; of a store in a bucket, `path` is the working copy and what it holds
 * is brought to the bucket.
 */
export class RunFolder {
  readonly path: string;
  readonly runId: string;
  readonly #mirror: RunMirror | undefined;

  constructor(runsDir: string, runId: string, mirror?: RunMirror) {
    this.path = join(runsDir, runId);
    this.runId = runId;
    this.#mirror = mirror;
  }

  /** Where the store is. */
  get store(): string {
    return this.#mirror?.store ?? dirname(dirname(this.path));
  }
  /** Where the folder is for everybody. */
  get place(): string {
    return this.#mirror?.place ?? this.path;
  }
  /** The files that a report names. */
  get shown(): { ledger: string; failures: string; report: string; page: string } {
    const { ledger, failures, report, page } = this;
    const at = (path: string) => this.#mirror?.at(basename(path)) ?? path;
    return { ledger: at(ledger), failures: at(failures), report: at(report), page: at(page) };
  }

  get ledger(): string {
    return join(this.path, 'ledger.jsonl');
  }
  get failures(): string {
    return join(this.path, 'failures.jsonl');
  }
  get report(): string {
    return join(this.path, 'report.json');
  }
  /** `report.json` for people. */
  get page(): string {
    return join(this.path, 'report.html');
  }
  /** Of a retry: the selected lines of the failures file. */
  get selection(): string {
    return join(this.path, 'selection.jsonl');
  }

  /** Creates the folder with its manifest in one rename, so that no half-made run is ever seen. */
  async create(manifest: RunManifest, prepare?: (folder: string) => Promise<void>): Promise<void> {
    const part = `${this.path}.part`;
    await mkdir(part, { recursive: true });
    try {
      await writeFileAtomic(join(part, 'run.json'), json(manifest));
      await prepare?.(part);
      await rename(part, this.path);
      await this.#mirror?.begin(this.path);
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw error;
    }
  }

  async manifest(): Promise<RunManifest> {
    const manifest = await this.#read<RunManifest>('run.json');
    if (manifest === undefined) {
      throw new FatalError(
        'RUN_NOT_FOUND',
        `there is no run ${this.runId} in this store; sluice runs list shows them`,
      );
    }
    return manifest;
  }

  readReport(): Promise<RunReport | undefined> {
    return this.#read<RunReport>(basename(this.report));
  }

  async writeReport(report: RunReport): Promise<void> {
    await writeFileAtomic(this.report, json(report));
    // The report says that the run has ended: what it tells of is there before.
    await this.#mirror?.finish(this.path);
    await this.#mirror?.push(this.path, basename(this.report));
  }

  readCheckpoint(): Promise<RunCheckpoint | undefined> {
    return this.#read<RunCheckpoint>(CHECKPOINT);
  }

  async writeCheckpoint(checkpoint: RunCheckpoint): Promise<void> {
    await writeFileAtomic(join(this.path, CHECKPOINT), json(checkpoint));
    if (!this.#mirror?.isDue) return;
    // What the checkpoint counts is in the ledger before.
    await this.#mirror.pushLines(this.path);
    await this.#mirror.push(this.path, CHECKPOINT);
  }

  /** Brings the page to where the folder is for everybody. */
  async publishPage(): Promise<void> {
    await this.#mirror?.push(this.path, basename(this.page));
  }

  /** Makes the working copy what the bucket has; for the holder of the lock that the run needs. */
  async fetch(): Promise<void> {
    await this.#mirror?.fetch(this.path);
  }

  /** False where `runs prune` has removed it. */
  async hasLedger(): Promise<boolean> {
    return this.#mirror?.hasLedger() ?? existsSync(this.ledger);
  }

  /** Removes ledger and failures; manifest and report stay. */
  async prune(): Promise<void> {
    await this.#mirror?.removeLines();
    for (const file of [this.failures, this.selection, this.ledger]) await rm(file, { force: true });
  }

  async #read<T>(name: string): Promise<T | undefined> {
    if (this.#mirror === undefined) return readJson<T>(join(this.path, name));
    const text = await this.#mirror.read(name);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
}

/** Run ids of a store, oldest first. Throws FatalError STORE_NOT_FOUND. */
export async function listRunIds(runsDir: string): Promise<string[]> {
  try {
    return (await readdir(runsDir)).filter(isRunId).sort();
  } catch (error) {
    const message = `there is no store at ${dirname(runsDir)}: ${asError(error).message}`;
    throw new FatalError('STORE_NOT_FOUND', message, { cause: error });
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as T;
}
