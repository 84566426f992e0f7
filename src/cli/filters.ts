import { Command, Option } from 'commander';
import type { AnnotationFilter, StoredFilter } from '../model/dataset.ts';
import { FatalError } from '../model/errors.ts';
import { createFilter, deleteFilter, openReader, patchFilter } from '../stores/index.ts';
import { filterOf, withFilterFlags } from './filter-flags.ts';
import { changing, storeOf, withLock, withStore } from './run-command.ts';
import { type Cli, printable, table } from './terminal.ts';

export function filtersCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const filters = new Command('filters').description(
    'Annotation filters under a name: which annotations a dataset version takes. They never remove inputs.',
  );

  const list = withStore(new Command('list'))
    .description('List the filters; with --json one filter a line.')
    .addHelpText('after', '\nExample:\n  $ sluice filters list');
  list.action(async (flags: Record<string, unknown>) => {
    const found = await storedFilters(cli, flags);
    if (flags['json']) for (const filter of found) stdout.write(`${JSON.stringify(filter)}\n`);
    else {
      const rows = found.map(({ id, filter }) => [printable(id), inWords(filter)]);
      stdout.write(`${table([['FILTER', 'TAKES ANNOTATIONS'], ...rows])}\n`);
    }
  });

  const show = withStore(new Command('show'))
    .description('Show one filter.')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  $ sluice filters show by-ann');
  show.action(async (id: string, flags: Record<string, unknown>) => {
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const filter = await reader.getFilter(id);
      const text = `${printable(id)}: ${inWords(filter.filter)}`;
      stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, ...filter })}\n` : `${text}\n`);
    } finally {
      reader.close();
    }
  });

  const create = withFilterFlags(withLock(new Command('create')))
    .description('Store a filter. An annotation must meet every field that is given.')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  $ sluice filters create by-ann --annotator ann --status success');
  changing<[string]>(cli, create, async (change, flags, id) => {
    const filter = await createFilter(change.store, id, filterOf(flags) ?? {}, change.options, change.ctx);
    change.say(filter, `made the filter ${printable(id)}: ${inWords(filter.filter)}`);
  });

  const patch = withFilterFlags(withLock(new Command('patch')))
    .description('Change a filter. Versions keep what they were made with.')
    .argument('<name>')
    .addOption(
      new Option('--action <action>', 'replace the fields that are given, or the whole filter')
        .choices(['merge', 'overwrite'])
        .default('merge'),
    )
    .addHelpText('after', '\nExample:\n  $ sluice filters patch by-ann --annotator ann --annotator bob');
  changing<[string]>(cli, patch, async (change, flags, id) => {
    const filter = filterOf(flags);
    if (filter === undefined) throw new FatalError('CONFIG_INVALID', 'name what the filter is to take');
    const given = { action: flags['action'] as 'merge' | 'overwrite', filter };
    const stored = await patchFilter(change.store, id, given, change.options, change.ctx);
    change.say(stored, `changed the filter ${printable(id)}: ${inWords(stored.filter)}`);
  });

  const remove = withLock(new Command('delete'))
    .description('Remove a filter. Versions keep what they were made with.')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  $ sluice filters delete by-ann');
  changing<[string]>(cli, remove, async (change, _flags, id) => {
    await deleteFilter(change.store, id, change.options, change.ctx);
    change.say({ deleted: id }, `deleted the filter ${printable(id)}`);
  });

  for (const command of [list, show, create, patch, remove]) filters.addCommand(command);
  return filters;
}

async function storedFilters(cli: Cli, flags: Record<string, unknown>): Promise<StoredFilter[]> {
  const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
  try {
    return await reader.listFilters();
  } finally {
    reader.close();
  }
}

function inWords({ concepts, annotators, statuses, kinds, after, before }: AnnotationFilter): string {
  const oneOf = (what: string, values: readonly string[] | undefined) =>
    values === undefined ? [] : [`${what} ${values.join(' or ')}`];
  const words = [
    ...oneOf('with', concepts),
    ...oneOf('by', annotators),
    ...oneOf('of kind', kinds),
    ...oneOf('of status', statuses),
    ...(after === undefined ? [] : [`from ${after}`]),
    ...(before === undefined ? [] : [`before ${before}`]),
  ];
  return printable(words.join(', ')) || 'all that are not rejected';
}
