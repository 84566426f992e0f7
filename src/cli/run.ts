import { Command } from 'commander';
import { runOptions } from '../pipeline/config.ts';
import { openPipeline, runRead } from '../pipeline/file/run.ts';
import { storeOfPipeline } from '../pipeline/file/to-request.ts';
import { fieldsOf, flagsOf } from './flags.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

export function runCommand(cli: Cli): Command {
  const command = withStore(new Command('run'))
    .summary('run a pipeline file')
    .description('Run a pipeline file as one run, with an outcome for every item.')
    .argument('<pipeline>', 'a pipeline file (docs/pipeline.md)')
    .option('--dry-run', 'list, probe and plan the batches without writing anything')
    .option('--wait', 'wait for another run that writes to the store')
    .option('--id-prefix <prefix>', 'put before every derived id, to keep sources apart')
    .option('--manifest <path>', 'a CSV in the source that labels its files')
    .addHelpText(
      'after',
      `
The store is --store, else what the file names, else $SLUICE_STORE, else ./sluice-store. A flag of the run is stronger
than the file.

Examples:
  $ sluice run pipelines/labelled-image-folder.yaml
  $ sluice run photos.yaml --dry-run                  what would happen, without writing`,
    );
  for (const flag of flagsOf(runOptions, 'Run:')) command.addOption(flag);
  return command.action(async (path: string, flags: Record<string, unknown>) => {
    const given = flags['store'] as string | undefined;
    const isGiven = (field: string) => command.getOptionValueSource(field) === 'cli';
    const pick = (fields: readonly string[]) =>
      Object.fromEntries(fields.filter(isGiven).map((field) => [field, flags[field]]));
    const pipeline = await openPipeline(path);
    const overrides = {
      store: storeOf(cli, given),
      storeGiven: given !== undefined,
      options: pick(fieldsOf(runOptions)),
      loader: pick(['idPrefix', 'manifest']),
      dryRun: flags['dryRun'] === true,
      wait: flags['wait'] === true,
    };
    const store = storeOfPipeline(pipeline, overrides);
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      runRead(pipeline, overrides, env),
    );
  });
}
