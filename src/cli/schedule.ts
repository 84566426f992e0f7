import { Command } from 'commander';
import { environment } from '../pipeline/environment.ts';
import { type Agenda, agendaOf, openScheduled } from '../pipeline/schedule/scheduled.ts';
import { runSchedule, type SlotEvent } from '../pipeline/schedule/scheduler.ts';
import type { SlotRecord } from '../stores/index.ts';
import { wholeNumber } from './flags.ts';
import { contextFor, storeOf, withStore } from './run-command.ts';
import { stopSignals } from './signals.ts';
import { type Cli, formatCount, printable, table } from './terminal.ts';

export function scheduleCommand(cli: Cli): Command {
  const { stdout, stderr } = cli.terminal;
  const command = withStore(new Command('schedule'))
    .summary('run pipelines at their times')
    .description(
      'Run pipeline files whenever their schedule says, until stopped. A slot runs once, however many processes look after it. With --json one event a line; with --list, all in one.',
    )
    .argument('<pipeline...>', 'pipeline files with a schedule (docs/pipeline.md)')
    .option('--list [n]', 'only show the next times, and what the last ones came to', wholeNumber)
    .option('--once', 'run what is due now, then end: for a cron of the system')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice schedule pipelines/reindex.yaml            looks after it until Ctrl-C
  $ sluice schedule pipelines/reindex.yaml --list     the next five times
  */5 * * * *  sluice schedule --once reindex.yaml    the same by the system's cron`,
    );
  return command.action(async (files: string[], flags: Record<string, unknown>) => {
    const given = flags['store'] as string | undefined;
    const overrides = { store: storeOf(cli, given), storeGiven: given !== undefined };
    const json = flags['json'] === true;
    using ctx = contextFor(cli, command);
    if (flags['list'] !== undefined) {
      const count = flags['list'] === true ? 5 : (flags['list'] as number);
      const env = environment({ logger: ctx.logger });
      const agendas = await Promise.all(
        files.map(async (file) =>
          agendaOf(await openScheduled(file, overrides, env), count, env.clock.now()),
        ),
      );
      stdout.write(json ? `${JSON.stringify({ schema: 1, schedules: agendas })}\n` : shown(agendas));
      return;
    }
    let running = 0;
    using signals = stopSignals(() => {
      const waiting = running > 0 ? ': finishing what is under way (Ctrl-C again to let go at once)' : '';
      stderr.write(`stopping${waiting}\n`);
    });
    cli.exitCode = await runSchedule(
      {
        ...overrides,
        pipelines: files,
        once: flags['once'] === true,
        onSlot: (event) => {
          running += event.type === 'started' ? 1 : event.type === 'ended' ? -1 : 0;
          stdout.write(json ? `${JSON.stringify(event)}\n` : `${lineOf(event)}\n`);
        },
      },
      { logger: ctx.logger, stop: signals.stop, abort: signals.abort },
    );
  });
}

function shown(agendas: readonly Agenda[]): string {
  return agendas
    .map(({ pipeline, file, cron, timeZone, next, last }) => {
      const rows = [
        ...last.map((record) => [record.slot, resultOf(record)]),
        ...next.map((slot) => [slot, 'to come']),
      ];
      return `${printable(pipeline)} (${printable(file)}): ${cron} ${timeZone}\n${table(rows)}\n`;
    })
    .join('\n');
}

function lineOf(event: SlotEvent): string {
  const { pipeline, record } = event;
  const missed = record.missedBefore === undefined ? '' : `, ${record.missedBefore} missed before it`;
  const result = event.type === 'started' ? `started${missed}` : resultOf(record);
  const totals =
    event.type === 'ended' && event.report !== undefined
      ? `: ${formatCount(event.report.totals.listed)} listed, ${formatCount(event.report.totals.ok)} ok`
      : '';
  return `${record.slot} ${printable(pipeline)}: ${result}${totals}`;
}

const SKIPPED = {
  overlap: 'skipped: the last one still ran',
  missed: 'missed',
  stopped: 'stopped before it could begin',
};

function resultOf({ state, reason, runId, exitCode, error }: SlotRecord): string {
  if (state === 'running') return 'running, or its process died';
  if (state === 'skipped') return SKIPPED[reason!];
  const run = runId === undefined ? '' : `, run ${runId}`;
  return `exit code ${exitCode}${run}${error === undefined ? '' : `: ${printable(error.message)}`}`;
}
