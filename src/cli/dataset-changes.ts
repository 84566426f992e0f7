import { Command, Option } from 'commander';
import { FatalError } from '../model/errors.ts';
import type { Metadata } from '../model/labels.ts';
import { PATCH_ACTIONS, type PatchAction } from '../model/patch.ts';
import {
  addMembers,
  type ChangedMembers,
  type ChosenRows,
  createDataset,
  type DatasetFields,
  deleteDataset,
  patchDataset,
  removeMembers,
  type SplitRule,
  splitDataset,
} from '../stores/index.ts';
import { jsonObject } from './flags.ts';
import { changing, withLock } from './run-command.ts';
import { type Cli, formatCount, printable } from './terminal.ts';

export const actionOption = (): Option =>
  new Option(
    '--action <action>',
    'merge adds and changes, overwrite replaces, remove deletes the keys that are true',
  )
    .choices(PATCH_ACTIONS)
    .default('merge');

export const metadataOption = (): Option =>
  new Option('--metadata <json>', 'a JSON object').argParser(jsonObject);

const describing = (command: Command): Command =>
  withLock(command)
    .option('--description <text>', 'what it is')
    .addOption(metadataOption())
    .option('--default-filter <id>', 'the annotation filter that versions take when none is named');

const fieldsOf = (flags: Record<string, unknown>): DatasetFields => ({
  ...(flags['description'] === undefined ? {} : { description: flags['description'] as string }),
  ...(flags['metadata'] === undefined ? {} : { metadata: flags['metadata'] as Metadata }),
  ...(flags['defaultFilter'] === undefined ? {} : { defaultFilterId: flags['defaultFilter'] as string }),
});

export function datasetChangeCommands(cli: Cli): Command[] {
  const create = describing(new Command('create'))
    .description('Make a dataset without inputs.')
    .argument('<name>')
    .addHelpText(
      'after',
      `\nExample:\n  $ sluice datasets create cats --metadata '{"license": "CC-BY-4.0"}'`,
    );
  changing<[string]>(cli, create, async (change, flags, name) => {
    const dataset = await createDataset(change.store, name, fieldsOf(flags), change.options, change.ctx);
    change.say(dataset, `made the dataset ${printable(name)}`);
  });

  const patch = describing(new Command('patch'))
    .description('Change what is said of a dataset; an empty description or filter removes it.')
    .argument('<name>')
    .addOption(actionOption())
    .addHelpText(
      'after',
      `
Examples:
  $ sluice datasets patch cats --description 'Cats of the town'
  $ sluice datasets patch cats --action remove --metadata '{"license": true}'`,
    );
  changing<[string]>(cli, patch, async (change, flags, name) => {
    const given = { ...fieldsOf(flags), action: flags['action'] as PatchAction };
    const dataset = await patchDataset(change.store, name, given, change.options, change.ctx);
    change.say(dataset, `changed the dataset ${printable(name)}`);
  });

  const remove = withLock(new Command('delete'))
    .description('Remove a dataset. Its inputs stay in the store, and its versions too.')
    .argument('<name>')
    .option('--versions', 'remove its versions as well')
    .addHelpText('after', '\nExample:\n  $ sluice datasets delete cats --versions');
  changing<[string]>(cli, remove, async (change, flags, name) => {
    const options = { ...change.options, versions: flags['versions'] === true };
    const deleted = await deleteDataset(change.store, name, options, change.ctx);
    const { inputs, versions } = deleted;
    change.say(
      deleted,
      `deleted the dataset ${printable(name)} of ${formatCount(inputs)} inputs and ${formatCount(versions)} versions`,
    );
  });

  return [create, patch, remove, ...memberCommands(cli), splitCommand(cli)];
}

function memberCommands(cli: Cli): Command[] {
  const merge = withLock(new Command('merge'))
    .description('Add the inputs of one dataset to another one; both stay.')
    .argument('<name>')
    .requiredOption('--into <name>', 'the dataset that they are added to')
    .addHelpText('after', '\nExample:\n  $ sluice datasets merge cats --into animals');
  changing<[string]>(cli, merge, async (change, flags, from) => {
    const into = flags['into'] as string;
    const changed = await addMembers(change.store, into, { dataset: from }, change.options, change.ctx);
    change.say(changed, `${inWords(changed, 'added to', 'in')} ${printable(into)}`);
  });

  const withMembers = (command: Command) =>
    withLock(command)
      .argument('<name>')
      .argument('[id...]', 'ids of inputs')
      .option('--of <dataset>', 'all inputs of this dataset, instead of ids');
  const add = withMembers(new Command('add'))
    .description('Add inputs of the store to a dataset.')
    .addHelpText('after', '\nExample:\n  $ sluice datasets add cats chelsea-0123456789abcdef');
  changing<[string, string[]]>(cli, add, async (change, flags, name, ids) => {
    const members = membersOf(ids, flags['of'] as string | undefined);
    const changed = await addMembers(change.store, name, members, change.options, change.ctx);
    if (changed.missing > 0) cli.exitCode = 2;
    change.say(changed, `${inWords(changed, 'added to', 'in')} ${printable(name)}`);
  });

  const remove = withMembers(new Command('remove'))
    .description('Take inputs out of a dataset; they stay in the store.')
    .addHelpText('after', '\nExample:\n  $ sluice datasets remove cats --of dogs');
  changing<[string, string[]]>(cli, remove, async (change, flags, name, ids) => {
    const members = membersOf(ids, flags['of'] as string | undefined);
    const changed = await removeMembers(change.store, name, members, change.options, change.ctx);
    if (changed.missing > 0) cli.exitCode = 2;
    change.say(changed, `${inWords(changed, 'removed from', 'not in')} ${printable(name)}`);
  });
  return [merge, add, remove];
}

function membersOf(ids: string[], dataset: string | undefined): ChosenRows {
  if (ids.length > 0 === (dataset !== undefined)) {
    throw new FatalError('CONFIG_INVALID', 'name the inputs by their ids, or else with --of DATASET');
  }
  return dataset === undefined ? { ids } : { dataset };
}

function inWords({ changed, unchanged, missing }: ChangedMembers, done: string, was: string): string {
  const parts = [
    ...(unchanged === 0 ? [] : [`${formatCount(unchanged)} were ${was} it already`]),
    ...(missing === 0 ? [] : [`${formatCount(missing)} ids have no input`]),
  ];
  const beside = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  return `${formatCount(changed)} inputs${beside} ${done}`;
}

function splitCommand(cli: Cli): Command {
  const split = withLock(new Command('split'))
    .description(
      'Set the split of every input of a dataset, by its metadata or by a hash of its id. It stays when inputs are added.',
    )
    .argument('<name>')
    .option('--by-metadata <key>', 'the value of this key; inputs without it keep their split')
    .option('--percent <shares>', 'train=80,val=10,test=10; repeatable', (more: string, before?: string) =>
      before === undefined ? more : `${before},${more}`,
    )
    .option('--seed <text>', 'another division of the same shares')
    .addHelpText('after', '\nExample:\n  $ sluice datasets split cats --percent train=80,val=10,test=10');
  changing<[string]>(cli, split, async (change, flags, name) => {
    const result = await splitDataset(change.store, name, ruleOf(flags), change.options, change.ctx);
    const splits = Object.entries(result.bySplit).map(([s, n]) => `${printable(s)} ${formatCount(n)}`);
    const without = result.withoutValue === 0 ? '' : `; ${formatCount(result.withoutValue)} without a value`;
    change.say(result, `changed ${formatCount(result.changed)} inputs: ${splits.join(' · ')}${without}`);
  });
  return split;
}

function ruleOf(flags: Record<string, unknown>): SplitRule {
  const [key, percent] = [flags['byMetadata'] as string | undefined, flags['percent'] as string | undefined];
  const seed = flags['seed'] as string | undefined;
  if ((key === undefined) === (percent === undefined)) {
    throw new FatalError('CONFIG_INVALID', 'give either --by-metadata or --percent');
  }
  if (key !== undefined) return { metadata: key };
  return { percent: sharesOf(percent!), ...(seed === undefined ? {} : { seed }) };
}

/** `train=80,val=20`. */
function sharesOf(text: string): Record<string, number> {
  const shares = text.split(',').map((part): [string, number] => {
    const [, name, share] = /^\s*([^=]+?)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    if (name === undefined) {
      throw new FatalError('CONFIG_INVALID', `--percent takes shares such as train=80,test=20, not ${text}`);
    }
    return [name, Number(share)];
  });
  return Object.fromEntries(shares);
}
