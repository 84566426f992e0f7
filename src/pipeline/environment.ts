import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HubOptions } from '../embed/index.ts';
import { systemClock } from '../io/clock.ts';
import type { Clock, Context, Logger } from '../model/contracts.ts';
import type { Embedder, Modality, ModelRef } from '../model/embedding.ts';
import type { ProgressSnapshot } from './progress.ts';

/** What a run is handed from outside; beside the defaults below nothing in the pipeline reads globals. */
export interface RunEnvironment {
  logger: Logger;
  clock: Clock;
  /** First Ctrl-C: take no more, finish what is under way. */
  stop: AbortSignal;
  /** Second Ctrl-C: let go at once; what has no outcome stays resumable. */
  abort: AbortSignal;
  /** Where ffmpeg and ffprobe are looked for: the PATH. */
  searchPath: string;
  /** Folder for converted models and what was measured of them: `SLUICE_CACHE`, else `sluice` in the user's cache. */
  cacheDir: string;
  /** Where models that are named by a hub id are fetched: `HF_ENDPOINT`, else Hugging Face. */
  hub?: HubOptions;
  /** Opens the models of a workflow, instead of the engines that come with Sluice. */
  openModel?(ref: ModelRef, modality: Modality, ctx: Context): Promise<Embedder>;
  /** Called when the source is open and the run is about to list it. */
  onStart?(start: { runId: string; describes: string; dryRun: boolean }): void;
  /** Called about once a second, and once at the end. */
  onProgress?(snapshot: ProgressSnapshot): void;
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Fills what a caller of the API left out: the system's clock and PATH, no log, no way to stop. */
export function environment(given: Partial<RunEnvironment> = {}): RunEnvironment {
  const never = new AbortController().signal;
  return {
    logger: silent,
    clock: systemClock,
    stop: never,
    abort: never,
    searchPath: process.env['PATH'] ?? '',
    cacheDir:
      process.env['SLUICE_CACHE'] ??
      join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice'),
    ...hubOf(process.env['HF_ENDPOINT']),
    ...given,
  };
}

/** A mirror that the user names may lie in a private network. */
const hubOf = (endpoint: string | undefined): { hub?: HubOptions } =>
  endpoint === undefined || endpoint === '' ? {} : { hub: { endpoint, allowPrivateAddresses: true } };

/** For what happens outside the runner, which has a signal of its own. */
export const contextOf = ({ logger, clock, abort }: RunEnvironment): Context => ({
  logger,
  clock,
  signal: abort,
});
