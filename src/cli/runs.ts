import { Command } from 'commander';
import { FatalError } from '../model/errors.ts';
import { listRuns, pruneRuns, type RunInfo, showRun } from '../pipeline/runs.ts';
import { storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';
import { formatCount, printable, quoted, table } from './terminal.ts';

export function runsCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const runs = new Command('runs').description(
    'The runs of a store: what each was given and what became of it.',
  );

  const list = withStore(new Command('list'))
    .description('List the runs of a store, oldest first; with --json one run a line.')
    .addHelpText('after', '\nExample:\n  $ sluice runs list');
  list.action(async (flags: Record<string, unknown>) => {
    const rows = [['RUN', 'STATUS', 'LISTED', 'OK', 'REJECTED', 'FAILED', 'SKIPPED', 'SOURCE']];
    for await (const run of listRuns(storeOf(cli, flags['store'] as string | undefined))) {
      if (flags['json']) stdout.write(`${JSON.stringify(run)}\n`);
      else rows.push(rowOf(run));
    }
    if (!flags['json']) stdout.write(`${rows.length > 1 ? table(rows) : 'no runs'}\n`);
  });

  const show = withStore(new Command('show'))
    .description('Show one run.')
    .argument('<run-id>')
    .addHelpText('after', '\nExample:\n  $ sluice runs show 20261121T104512345-7x3kq0');
  show.action(async (runId: string, flags: Record<string, unknown>) => {
    const store = storeOf(cli, flags['store'] as string | undefined);
    const run = await showRun(store, runId);
    stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, ...run })}\n` : `${describe(run, store)}\n`);
  });

  const prune = withStore(new Command('prune'))
    .description('Remove the ledgers of old complete runs; their manifests and reports stay.')
    .option('--keep <n>', 'newest complete runs to leave alone', '20')
    .option('--dry-run', 'only say which')
    .addHelpText('after', '\nExample:\n  $ sluice runs prune --keep 10 --dry-run');
  prune.action(async (flags: Record<string, unknown>) => {
    const keep = Number(flags['keep']);
    if (!Number.isInteger(keep) || keep < 0) {
      throw new FatalError('CONFIG_INVALID', `--keep takes a whole number from 0, not ${flags['keep']}`);
    }
    const dryRun = flags['dryRun'] === true;
    const pruned = await pruneRuns(storeOf(cli, flags['store'] as string | undefined), { keep, dryRun });
    if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, dryRun, pruned })}\n`);
    else stdout.write(`${dryRun ? 'would prune' : 'pruned'} ${pruned.length} runs\n${pruned.join('\n')}\n`);
  });

  return runs.addCommand(list).addCommand(show).addCommand(prune);
}

function rowOf(run: RunInfo): string[] {
  const { listed, ok, rejected, failed, skipped } = run.totals;
  return [
    run.runId,
    run.status,
    ...[listed, ok, rejected, failed, skipped].map(formatCount),
    printable(run.source),
  ];
}

function describe(run: RunInfo, store: string): string {
  const { listed, ok, rejected, failed, skipped } = run.totals;
  const rows = [
    ['run', run.runId],
    ['status', run.exitCode === undefined ? run.status : `${run.status}, exit code ${run.exitCode}`],
    ['source', printable(run.source)],
    ['dataset', printable(run.dataset)],
    [
      'identity',
      `${listed} listed = ${ok} ok + ${rejected} rejected + ${failed} failed + ${skipped} skipped`,
    ],
    ...Object.entries(run.byCode).map(([code, count]) => [`  ${code}`, String(count)]),
    ['began', run.startedAt],
    ['ended', run.endedAt ?? 'not yet'],
    ['folder', `${printable(run.folder)}${run.pruned ? ' (ledger pruned)' : ''}`],
  ];
  if (run.status !== 'complete') rows.push(['go on', `sluice resume ${run.runId} --store ${quoted(store)}`]);
  return table(rows);
}
