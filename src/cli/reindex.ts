import { Command, InvalidArgumentError, Option } from 'commander';
import { DEVICES, type Device } from '../model/embedding.ts';
import { reindex } from '../pipeline/indexing/reindex.ts';
import { KEPT_GENERATIONS } from '../pipeline/indexing/reindex-request.ts';
import { wholeNumber } from './flags.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

/** Repeatable; `--device cuda --device cpu` is an order. */
export const deviceOption = (): Option =>
  new Option('--device <name>', `${DEVICES.join(', ')}, tried in the order given (default: all, in this one)`)
    .choices([...DEVICES])
    .argParser<Device[]>((value, before) => {
      if (!DEVICES.includes(value as Device))
        throw new InvalidArgumentError(`expected ${DEVICES.join(', ')}`);
      return [...(before ?? []), value as Device];
    });

export function reindexCommand(cli: Cli): Command {
  const command = withStore(new Command('reindex'))
    .summary('embed every input under the base workflow')
    .description(
      'Embed every input of the store under its base workflow, with an outcome for each, and let searches use that once it is whole. What is embedded already is skipped, so the same command goes on after a stop.',
    )
    .option(
      '--dry-run',
      'say how many inputs are to be embedded and about how long it takes, without writing',
    )
    .addOption(deviceOption())
    .option(
      '--keep-generations <number>',
      `earlier indexes that stay for workflow revert (default: ${KEPT_GENERATIONS})`,
      wholeNumber,
    )
    .option(
      '--max-rejected <count>',
      'failed inputs (a count or N%) up to which the exit code stays 0 (default: 0)',
    )
    .option('--wait', 'wait for another run that writes to the index')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice reindex --dry-run          what it would take
  $ sluice reindex --device cpu       embed, then let searches use it`,
    );
  return command.action(async (flags: Record<string, unknown>) => {
    const store = storeOf(cli, flags['store'] as string | undefined);
    const optional = (field: string, as = field) =>
      flags[field] === undefined ? {} : { [as]: flags[field] };
    const request = {
      store,
      dryRun: flags['dryRun'] === true,
      wait: flags['wait'] === true,
      ...optional('device', 'devices'),
      ...optional('keepGenerations'),
      ...optional('maxRejected'),
    };
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      reindex(request, env),
    );
  });
}
