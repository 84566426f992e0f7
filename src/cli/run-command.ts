import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { pino } from 'pino';
import { systemClock } from '../io/clock.ts';
import { readJsonlBlocks } from '../io/jsonl.ts';
import type { Context, Logger } from '../model/contracts.ts';
import type { Outcome } from '../model/outcome.ts';
import { environment, type RunEnvironment } from '../pipeline/environment.ts';
import type { RunReport } from '../pipeline/report.ts';
import { StoreRuns } from '../pipeline/store-runs.ts';
import type { MaintenanceOptions } from '../stores/index.ts';
import { peopleLogger } from './people-logger.ts';
import { ProgressView } from './progress-view.ts';
import { stopSignals } from './signals.ts';
import { summary } from './summary.ts';
import { type Cli, printableLines } from './terminal.ts';

/** Lines read for the summary's examples. */
const EXAMPLES_FROM = 2000;

/** Runs ingest, resume or retry for a person or a script: progress, Ctrl-C, summary or `--json`, exit code. */
export async function runForTerminal(
  cli: Cli,
  options: { store: string; json?: boolean; debug?: boolean },
  run: (env: Partial<RunEnvironment>) => Promise<RunReport>,
): Promise<void> {
  const { terminal } = cli;
  const view = new ProgressView(terminal, Date.now());
  const logger = loggerFor(cli, options.debug === true, (line) => view.print(line));
  let started = false;
  using signals = stopSignals((letGo) => {
    // Before the start there is nothing to finish: it waits for the lock or opens the source.
    if (!started) return letGo();
    view.end();
    terminal.stderr.write('stopping: finishing what is under way (Ctrl-C again to let go at once)\n');
  });
  let report: RunReport;
  try {
    report = await run({
      logger,
      stop: signals.stop,
      abort: signals.abort,
      onStart: ({ runId, describes, dryRun }) => {
        started = true;
        terminal.stderr.write(
          `${printableLines(describes)}\n${dryRun ? 'dry run' : `run ${runId} → ${options.store}`}\n`,
        );
        view.begin();
      },
      onProgress: (snapshot) => view.show(snapshot, Date.now()),
    });
  } finally {
    view.end();
  }
  cli.exitCode = report.exitCode;
  if (options.json) terminal.stdout.write(`${JSON.stringify(report)}\n`);
  else terminal.stdout.write(summary(report, await examples(report, options.store), options.store));
}

/** The first failures of a run and, where annotations were rejected, the first items that have such, for the summary. */
async function examples(report: RunReport, store: string): Promise<Outcome[]> {
  if (report.dryRun) return [];
  // What the report names may be in a bucket; the run's folder on this machine has the same files.
  const folder = (await StoreRuns.of(store, environment())).folder(report.runId);
  const failures = await firstLines(folder.failures, 'failures', () => true);
  if ((report.annotations?.totals.rejected ?? 0) === 0) return failures;
  const hasProblems = ({ annotations, outcome }: Outcome) =>
    annotations?.problems !== undefined && (outcome === 'ok' || outcome === 'skipped');
  return [...failures, ...(await firstLines(folder.ledger, 'ledger', hasProblems))];
}

async function firstLines(
  path: string,
  type: string,
  wanted: (line: Outcome) => boolean,
): Promise<Outcome[]> {
  const found: Outcome[] = [];
  if (!existsSync(path)) return found;
  for await (const block of readJsonlBlocks<Outcome>(path, { type })) {
    found.push(...block.filter(wanted));
    if (found.length >= EXAMPLES_FROM) break;
  }
  return found;
}

/** `--store`, else `SLUICE_STORE`, else `./sluice-store`. */
export function storeOf(cli: Cli, given: string | undefined): string {
  return given ?? cli.terminal.env['SLUICE_STORE'] ?? 'sluice-store';
}

export function withStore(command: Command): Command {
  return command
    .option(
      '--store <place>',
      'the store, a folder or s3://bucket/prefix (default: $SLUICE_STORE, else ./sluice-store)',
    )
    .option('--json', 'exactly one JSON document on stdout, nothing else');
}

/** For commands that write to the store. */
export const withLock = (command: Command): Command =>
  withStore(command).option('--wait', 'wait for a run that writes to the store');

/** What the action of a command that changes the store is handed. */
export interface StoreChange {
  store: string;
  options: MaintenanceOptions;
  ctx: Context;
  /** Prints the document of `--json`, or the line for people. */
  say(document: object, text: string): void;
}

/** Sets the action of a command that `withLock` made. */
export function changing<Args extends unknown[]>(
  cli: Cli,
  command: Command,
  action: (change: StoreChange, flags: Record<string, unknown>, ...args: Args) => Promise<void>,
): void {
  command.action(async (...given: unknown[]) => {
    const flags = command.opts();
    using ctx = contextFor(cli, command);
    const say = (document: object, text: string) => {
      const line = flags['json'] ? JSON.stringify({ schema: 1, ...document }) : text;
      cli.terminal.stdout.write(`${line}\n`);
    };
    const store = storeOf(cli, flags['store'] as string | undefined);
    const change = { store, options: { wait: flags['wait'] === true }, ctx, say };
    await action(change, flags, ...(given.slice(0, command.registeredArguments.length) as Args));
  });
}

const loggerFor = (cli: Cli, debug: boolean, print: (line: string) => void): Logger =>
  debug ? pino({ level: 'debug' }, cli.terminal.stderr) : peopleLogger(print);

/** For commands that are no run: the system's clock, and Ctrl-C as an abort. */
export function contextFor(cli: Cli, command: Command): Context & Disposable {
  const signals = stopSignals(() => {});
  const logger = loggerFor(cli, isDebug(command), (line) => void cli.terminal.stderr.write(`${line}\n`));
  return {
    logger,
    clock: systemClock,
    signal: signals.stop,
    [Symbol.dispose]: () => signals[Symbol.dispose](),
  };
}

export const isDebug = (command: Command): boolean => command.optsWithGlobals()['debug'] === true;
