import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { asError, FatalError } from '../model/errors.ts';
import type { RunConfig } from './config.ts';
import type { BatchTotals, RunReport } from './report.ts';
import { isRunId } from './run-id.ts';

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

/** The files of one run, `<store>/runs/<run-id>/`. */
export class RunFolder {
  readonly path: string;
  readonly runId: string;

  constructor(runsDir: string, runId: string) {
    this.path = join(runsDir, runId);
    this.runId = runId;
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
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw error;
    }
  }

  async manifest(): Promise<RunManifest> {
    const manifest = await readJson<RunManifest>(join(this.path, 'run.json'));
    if (manifest === undefined) {
      throw new FatalError(
        'RUN_NOT_FOUND',
        `there is no run ${this.runId} in this store; sluice runs list shows them`,
      );
    }
    return manifest;
  }

  readReport(): Promise<RunReport | undefined> {
    return readJson<RunReport>(this.report);
  }

  async writeReport(report: RunReport): Promise<void> {
    await writeFileAtomic(this.report, json(report));
  }

  readCheckpoint(): Promise<RunCheckpoint | undefined> {
    return readJson<RunCheckpoint>(join(this.path, 'checkpoint.json'));
  }

  async writeCheckpoint(checkpoint: RunCheckpoint): Promise<void> {
    await writeFileAtomic(join(this.path, 'checkpoint.json'), json(checkpoint));
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
