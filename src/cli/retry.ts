import { Command, Option } from 'commander';
import { CODES } from '../model/codes.ts';
import { FatalError } from '../model/errors.ts';
import { STAGES, type Stage } from '../model/outcome.ts';
import { retry, runOfFailures } from '../pipeline/retry.ts';
import { isDebug, runForTerminal, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

export function retryCommand(cli: Cli): Command {
  const command = withStore(new Command('retry'))
    .summary('take up the failed items of a run')
    .description(
      'Take up the failed items of a run again, as a new run with the same options. Rejected items are taken with --rejected, once they were corrected.',
    )
    .argument('<failures>', 'the failures.jsonl of a run')
    .addOption(new Option('--stage <stage>', 'only items that ended at this stage').choices([...STAGES]))
    .option('--code <code>', 'only items with this code, such as URL_FETCH_FAILED')
    .option('--rejected', 'rejected items too')
    .option('--retry-duplicates', 'duplicates too; each is stored under an id with a suffix')
    .option('--wait', 'wait for another run that writes to the store')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice retry sluice-store/runs/20261121T104512345-7x3kq0/failures.jsonl
  $ sluice retry …/failures.jsonl --rejected --code CSV_ROW_INVALID`,
    );
  return command.action(async (failures: string, flags: Record<string, unknown>) => {
    const store = (flags['store'] as string | undefined) ?? runOfFailures(failures).store;
    const request = {
      failures,
      store,
      stage: flags['stage'] as Stage | undefined,
      code: codeOf(flags['code'] as string | undefined),
      rejected: flags['rejected'] === true,
      retryDuplicates: flags['retryDuplicates'] === true,
      wait: flags['wait'] === true,
    };
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      retry(request, env),
    );
  });
}

function codeOf(given: string | undefined): string | undefined {
  if (given === undefined || Object.hasOwn(CODES, given)) return given;
  throw new FatalError('CONFIG_INVALID', `--code ${given} is no code; docs/errors.md lists them`);
}
