import { Command, Option } from 'commander';
import { CODES } from '../model/codes.ts';
import { FatalError } from '../model/errors.ts';
import { STAGES, type Stage } from '../model/outcome.ts';
import { isUploadLog, type RetryRequest, retry, runOfFailures } from '../pipeline/retry.ts';
import { kebab } from './flags.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

export function retryCommand(cli: Cli): Command {
  const command = withStore(new Command('retry'))
    .summary('take up the failed items of a run')
    .description(
      'Take up the failed items of a run again, as a new run with the same options. Rejected items are taken with --rejected, once they were corrected. An upload log of the official Python SDK (Dataset_Upload….log) is read too: its lines are found in --source by path or text, and without it taken as they stand.',
    )
    .argument('<failures>', 'the failures.jsonl of a run, or an upload log of the official Python SDK')
    .addOption(new Option('--stage <stage>', 'only items that ended at this stage').choices([...STAGES]))
    .option('--code <code>', 'only items with this code, such as URL_FETCH_FAILED')
    .option('--rejected', 'rejected items too')
    .option('--retry-duplicates', 'duplicates too; each is stored under an id with a suffix')
    .option('--source <source>', 'of an upload log: the folder or file that was uploaded')
    .option('--source-type <name>', 'what that source is, instead of detecting it')
    .option('--dataset <name>', 'of an upload log: dataset that the inputs join (default: default)')
    .option(
      '--allow-outside',
      'of an upload log without --source: also take files outside the folder of the log',
    )
    .option('--wait', 'wait for another run that writes to the store')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice retry sluice-store/runs/20261121T104512345-7x3kq0/failures.jsonl
  $ sluice retry …/failures.jsonl --rejected --code CSV_ROW_INVALID
  $ sluice retry Dataset_Upload1763725000.log --source photos/ --dataset photos`,
    );
  return command.action(async (failures: string, flags: Record<string, unknown>) => {
    const ofLog = isUploadLog(failures);
    const given = flags['store'] as string | undefined;
    const store = ofLog ? storeOf(cli, given) : (given ?? runOfFailures(failures).store);
    const request = {
      ...(ofLog ? logRequest(flags) : refuseLogFlags(flags)),
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

const LOG_FLAGS = ['source', 'sourceType', 'dataset', 'allowOutside'];

function logRequest(
  flags: Record<string, unknown>,
): Pick<RetryRequest, 'source' | 'options' | 'allowOutside'> {
  const [source, sourceType, dataset] = LOG_FLAGS.map((name) => flags[name] as string | undefined);
  return {
    ...(source === undefined
      ? {}
      : { source: { source, ...(sourceType === undefined ? {} : { sourceType }) } }),
    ...(dataset === undefined ? {} : { options: { dataset } }),
    allowOutside: flags['allowOutside'] === true,
  };
}

/** A run's failures are taken up from the run's own source, into its own dataset. */
function refuseLogFlags(flags: Record<string, unknown>): Record<string, never> {
  const wrong = LOG_FLAGS.find((name) => flags[name] !== undefined);
  if (wrong === undefined) return {};
  throw new FatalError(
    'CONFIG_INVALID',
    `--${kebab(wrong)} is for upload logs; a failures file has its run’s own`,
  );
}

function codeOf(given: string | undefined): string | undefined {
  if (given === undefined || Object.hasOwn(CODES, given)) return given;
  throw new FatalError('CONFIG_INVALID', `--code ${given} is no code; docs/errors.md lists them`);
}
