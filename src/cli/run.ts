import { Command } from 'commander';
import { openPipeline } from '../pipeline/file/run.ts';
import { requestOf } from '../pipeline/file/to-request.ts';
import { ingest } from '../pipeline/ingest.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

export function runCommand(cli: Cli): Command {
  const command = withStore(new Command('run'))
    .summary('run a pipeline file')
    .description('Run a pipeline file as one run, with an outcome for every item.')
    .argument('<pipeline>', 'a pipeline file (docs/pipeline.md)')
    .option('--dataset <name>', 'dataset that the inputs join, instead of the one that the file names')
    .option('--dry-run', 'list, probe and plan the batches without writing anything')
    .option('--wait', 'wait for another run that writes to the store')
    .addHelpText(
      'after',
      `
The store is --store, else what the file names, else $SLUICE_STORE, else ./sluice-store.

Examples:
  $ sluice run pipelines/labelled-image-folder.yaml
  $ sluice run photos.yaml --dry-run                  what would happen, without writing`,
    );
  return command.action(async (path: string, flags: Record<string, unknown>) => {
    const given = flags['store'] as string | undefined;
    const dataset = flags['dataset'] as string | undefined;
    const request = requestOf(await openPipeline(path), {
      store: storeOf(cli, given),
      storeGiven: given !== undefined,
      ...(dataset === undefined ? {} : { dataset }),
      dryRun: flags['dryRun'] === true,
      wait: flags['wait'] === true,
    });
    const { store } = request;
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      ingest(request, env),
    );
  });
}
