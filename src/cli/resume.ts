import { Command } from 'commander';
import { resume } from '../pipeline/resume.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

export function resumeCommand(cli: Cli): Command {
  const command = withStore(new Command('resume'))
    .summary('continue an interrupted run')
    .description(
      'Continue a run where it stopped: same ledger, one report over the whole. A complete run is left as it is.',
    )
    .argument('<run-id>', 'as printed by the run, or by sluice runs list')
    .option('--accept-changed', 'go on although the CSV or ZIP changed since the run began')
    .option('--wait', 'wait for another run that writes to the store')
    .addHelpText('after', '\nExample:\n  $ sluice resume 20261121T104512345-7x3kq0');
  return command.action(async (runId: string, flags: Record<string, unknown>) => {
    const store = storeOf(cli, flags['store'] as string | undefined);
    const request = {
      runId,
      store,
      acceptChanged: flags['acceptChanged'] === true,
      wait: flags['wait'] === true,
    };
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      resume(request, env),
    );
  });
}
