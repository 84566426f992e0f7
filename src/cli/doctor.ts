import { Command } from 'commander';
import { doctor } from '../pipeline/doctor.ts';
import { storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';
import { table } from './terminal.ts';

export function doctorCommand(cli: Cli): Command {
  const { env, stdout } = cli.terminal;
  return withStore(new Command('doctor'))
    .description('Look at what this machine has: decoders, ffmpeg, threads, disk. Writes nothing.')
    .addHelpText('after', '\nExample:\n  $ sluice doctor')
    .action(async (flags: Record<string, unknown>) => {
      const checks = await doctor({
        store: storeOf(cli, flags['store'] as string | undefined),
        searchPath: env['PATH'] ?? '',
        uvThreadpoolSize: env['UV_THREADPOOL_SIZE'],
      });
      if (checks.some((check) => check.status === 'error')) cli.exitCode = 1;
      if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, checks })}\n`);
      else stdout.write(`${table(checks.map(({ name, status, detail }) => [status, name, detail]))}\n`);
    });
}
