import { Command } from 'commander';
import { type DatasetVersion, parseDatasetReference } from '../model/dataset.ts';
import { FatalError } from '../model/errors.ts';
import type { Metadata } from '../model/labels.ts';
import type { PatchAction } from '../model/patch.ts';
import { createVersion, deleteVersion, openReader, patchVersion } from '../stores/index.ts';
import { actionOption, metadataOption } from './dataset-changes.ts';
import { filterOf, withFilterFlags } from './filter-flags.ts';
import { changing, storeOf, withLock, withStore } from './run-command.ts';
import { type Cli, formatBytes, formatCount, printable, table } from './terminal.ts';

/** What the flags of a version say of it. */
const named = (
  flags: Record<string, unknown>,
): { name?: string; description?: string; metadata?: Metadata } =>
  Object.fromEntries(
    ['name', 'description', 'metadata'].flatMap((field) =>
      flags[field] === undefined ? [] : [[field, flags[field]]],
    ),
  );

const describing = (command: Command): Command =>
  withLock(command)
    .option('--name <text>', 'a name for people')
    .option('--description <text>', 'what it is')
    .addOption(metadataOption());

export function datasetVersionCommands(cli: Cli): Command[] {
  const create = withFilterFlags(describing(new Command('version')))
    .description(
      'Make an immutable version of a dataset as it is now: its inputs, and the annotations that a filter takes.',
    )
    .argument('<dataset>')
    .option('--id <id>', 'unique within the dataset (default: the time)')
    .option(
      '--filter <id>',
      'a stored annotation filter (default: the dataset’s default filter, if it has one)',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ sluice datasets version cats --id v1
  $ sluice datasets version cats --id by-ann --annotator ann`,
    );
  changing<[string]>(cli, create, async (change, flags, dataset) => {
    const [filterId, filter] = [flags['filter'] as string | undefined, filterOf(flags)];
    if (filterId !== undefined && filter !== undefined) {
      throw new FatalError('CONFIG_INVALID', 'give a stored --filter, or the fields of one, not both');
    }
    const request = {
      ...change.options,
      dataset,
      ...(flags['id'] === undefined ? {} : { id: flags['id'] as string }),
      ...named(flags),
      ...(filterId === undefined ? {} : { filterId }),
      ...(filter === undefined ? {} : { filter }),
    };
    const version = await createVersion(change.store, request, change.ctx);
    change.say(version, `made ${printable(`${dataset}@${version.id}`)}: ${contentOf(version)}`);
  });

  const patch = describing(new Command('patch-version'))
    .description(
      'Change what is said of a version; an empty name or description removes it. Its content never changes.',
    )
    .argument('<dataset@version>')
    .addOption(actionOption())
    .addHelpText('after', '\nExample:\n  $ sluice datasets patch-version cats@v1 --name "First delivery"');
  changing<[string]>(cli, patch, async (change, flags, reference) => {
    const given = { ...named(flags), action: flags['action'] as PatchAction };
    const version = await patchVersion(change.store, versionOf(reference), given, change.options, change.ctx);
    change.say(version, `changed ${printable(reference)}`);
  });

  const remove = withLock(new Command('delete-version'))
    .description('Remove a version. What it alone has on disk goes with the next sluice store gc.')
    .argument('<dataset@version>')
    .addHelpText('after', '\nExample:\n  $ sluice datasets delete-version cats@v1');
  changing<[string]>(cli, remove, async (change, _flags, reference) => {
    const version = versionOf(reference);
    await deleteVersion(change.store, version, change.options, change.ctx);
    change.say({ deleted: version }, `deleted ${printable(reference)}`);
  });

  return [create, versionsCommand(cli), patch, remove];
}

function versionsCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const list = withStore(new Command('versions'))
    .description('List the versions of a dataset, the oldest first; with --json one version a line.')
    .argument('<dataset>')
    .addHelpText('after', '\nExample:\n  $ sluice datasets versions cats');
  list.action(async (dataset: string, flags: Record<string, unknown>) => {
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const versions = await reader.listVersions(dataset);
      if (versions.length === 0) await reader.requireDataset(dataset);
      if (flags['json']) {
        for (const version of versions) stdout.write(`${JSON.stringify(version)}\n`);
        return;
      }
      const rows = versions.map(({ id, name, metrics, bytes, createdAt }) => [
        printable(id),
        printable(name ?? ''),
        formatCount(metrics.inputsCount),
        formatBytes(bytes),
        createdAt.slice(0, 10),
      ]);
      stdout.write(`${table([['VERSION', 'NAME', 'INPUTS', 'BYTES', 'CREATED'], ...rows])}\n`);
    } finally {
      reader.close();
    }
  });
  return list;
}

/** For people. */
export function versionText(version: DatasetVersion): string {
  const { metrics, concepts } = version;
  const facts = [
    ['version', printable(`${version.dataset}@${version.id}`)],
    ...(version.name === undefined ? [] : [['name', printable(version.name)]]),
    ...(version.description === undefined ? [] : [['description', printable(version.description)]]),
    ['inputs', `${countsOf(version.inputsByKind)}; ${formatCount(metrics.unlabeledInputsCount)} unlabelled`],
    ['bytes', formatBytes(version.bytes)],
    ['splits', countsOf(version.inputsBySplit)],
    ['regions', `${formatCount(metrics.regionsCount)} of ${formatCount(metrics.regionInputsCount)} inputs`],
    ['frames', formatCount(metrics.framesCount)],
    ['left out', `${formatCount(version.annotationsLeftOut)} annotations`],
    [
      'filter',
      version.filter === undefined ? 'none' : printable(version.filterId ?? JSON.stringify(version.filter)),
    ],
    ['content', version.contentHash],
    ['created', version.createdAt],
  ];
  const rows = Object.entries(concepts).map(([id, { positive, negative, regions }]) => [
    printable(id),
    ...[positive, negative, regions].map(formatCount),
  ]);
  const labels =
    rows.length === 0 ? '' : `\n${table([['CONCEPT', 'PRESENT', 'NEGATIVE', 'REGIONS'], ...rows])}\n`;
  return `${table(facts)}\n${labels}`;
}

const contentOf = ({ metrics, annotationsLeftOut }: DatasetVersion): string =>
  `${formatCount(metrics.inputsCount)} inputs, ${formatCount(metrics.regionsCount)} regions${
    annotationsLeftOut === 0 ? '' : `, ${formatCount(annotationsLeftOut)} annotations left out`
  }`;

const countsOf = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${formatCount(count)} ${printable(name)}`)
    .join(' · ') || 'none';

function versionOf(reference: string): { dataset: string; id: string } {
  const { dataset, version } = parseDatasetReference(reference);
  if (version === undefined || version === '') {
    throw new FatalError(
      'CONFIG_INVALID',
      `name a version, as in ${dataset}@v1; sluice datasets versions lists them`,
    );
  }
  return { dataset, id: version };
}
