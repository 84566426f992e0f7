import { Command, Option } from 'commander';
import { exporterNames, loadExporter } from '../exporters/index.ts';
import { parseDatasetReference } from '../model/dataset.ts';
import { FatalError } from '../model/errors.ts';
import type { ExporterComponent } from '../model/export.ts';
import { exportDataset } from '../pipeline/export/export.ts';
import { fieldsOf, flagsOf, kebab } from './flags.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

const OWN = ['store', 'json', 'format', 'out', 'overwrite', 'dryRun', 'filter', 'maxRejected', 'wait'];

type AnyExporter = ExporterComponent<unknown>;

const UPDATE = new Option(
  '--update [folder]',
  'parquet: keep what the export in this folder, or else at --out, has and the version does not; the rest is replaced by id',
).helpGroup('Format:');

export async function exportCommand(cli: Cli): Promise<Command> {
  const exporters = await Promise.all(exporterNames.map(loadExporter));
  const command = withStore(new Command('export'))
    .summary('write a version of a dataset as training data')
    .description(
      'Write a version of a dataset to a file or folder, with an outcome for every input. Without @version one is made of ' +
        'the dataset as it is now. The same command again goes on with an export that was cut off. To s3:// it is written in the store, uploaded when it is complete, and ' +
        'whole once its marker is there; endpoint, region and credentials are those of the AWS environment or profile.',
    )
    .argument('<dataset[@version]>', 'as sluice datasets list and sluice datasets versions print them')
    .requiredOption('--format <name>', `what to write: ${exporters.map(({ name }) => name).join(', ')}`)
    .requiredOption('--out <path>', 'the file or folder to write, or s3://bucket/prefix')
    .option('--overwrite', 'replace an earlier export; anything else is left alone')
    .option('--dry-run', 'say what would be written, without writing anything')
    .option('--filter <id>', 'annotation filter of the version that is made')
    .option(
      '--max-rejected <count>',
      'failed inputs (a count or N%) up to which the exit code stays 0 (default: 0)',
    )
    .option('--wait', 'wait for a run that writes to the store')
    .addHelpText('after', `\nExamples:\n${exporters.map(({ example }) => `  $ ${example}`).join('\n')}`);
  for (const flag of exporterFlags(exporters))
    command.addOption(flag.attributeName() === 'update' ? UPDATE : flag);
  command.addOption(
    new Option('--no-media', 'the same as --media none').helpGroup('Format:').default(undefined),
  );
  return command.action(async (given: string, flags: Record<string, unknown>) => {
    const store = storeOf(cli, flags['store'] as string | undefined);
    const format = flags['format'] as string;
    const inPlace = flags['update'] === true;
    const set = Object.entries(flags)
      .filter(([field]) => command.getOptionValueSource(field) === 'cli')
      .map(([field, value]): [string, unknown] => [
        field,
        field === 'update' && inPlace ? flags['out'] : value,
      ]);
    const optional = (field: string) => (flags[field] === undefined ? {} : { [field]: flags[field] });
    const request = {
      store,
      ...datasetOf(given),
      format,
      out: flags['out'] as string,
      options: optionsOf(set, await loadExporter(format)),
      overwrite: flags['overwrite'] === true || inPlace,
      dryRun: flags['dryRun'] === true,
      wait: flags['wait'] === true,
      ...optional('filter'),
      ...optional('maxRejected'),
    };
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      exportDataset(request, env),
    );
  });
}

/** `photos@v1`: what follows the last `@` is the version. */
function datasetOf(given: string): { dataset: string; version?: string } {
  const reference = parseDatasetReference(given);
  if (reference.dataset !== '' && !reference.dataset.startsWith('@') && reference.version !== '')
    return reference;
  throw new FatalError('CONFIG_INVALID', `expected <dataset> or <dataset>@<version>, not ${given}`);
}

/** The flags of all formats together; two that share a flag mean the same by it, and may take other values of it. */
function exporterFlags(exporters: readonly AnyExporter[]): Option[] {
  const flags = new Map<string, { option: Option; formats: string[] }>();
  for (const { name, options } of exporters) {
    for (const option of flagsOf(options, 'Format:')) {
      const known = flags.get(option.attributeName());
      if (known === undefined) flags.set(option.attributeName(), { option, formats: [name] });
      else {
        known.formats.push(name);
        const choices = new Set([...(known.option.argChoices ?? []), ...(option.argChoices ?? [])]);
        if (choices.size > 0) known.option.choices([...choices]);
      }
    }
  }
  return [...flags.values()].map(({ option, formats }) => {
    if (formats.length < exporters.length)
      option.description = `${formats.join(', ')}: ${option.description}`;
    return option;
  });
}

/** The options of the format; a flag that means nothing to it is an error. */
function optionsOf(
  given: readonly [field: string, value: unknown][],
  { name, options }: AnyExporter,
): Record<string, unknown> {
  const known = new Set(fieldsOf(options));
  const foreign = given.find(([field]) => !OWN.includes(field) && !known.has(field));
  if (foreign !== undefined) {
    throw new FatalError('CONFIG_INVALID', `--${kebab(foreign[0])} does not apply to the format ${name}`);
  }
  const ofFormat = given.filter(([field]) => known.has(field));
  return Object.fromEntries(
    ofFormat.map(([field, value]) => [field, field === 'media' && value === false ? 'none' : value]),
  );
}
