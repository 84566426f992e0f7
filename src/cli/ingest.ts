import { Command, type Option } from 'commander';
import type { z } from 'zod';
import { detectSource, loaderNames, loadLoader } from '../loaders/index.ts';
import type { LoaderComponent } from '../model/component.ts';
import { FatalError } from '../model/errors.ts';
import { runOptions } from '../pipeline/config.ts';
import { ingest } from '../pipeline/ingest.ts';
import { fieldsOf, flagsOf, kebab } from './flags.ts';
import { isDebug, runForTerminal, storeOf, withStore } from './run-command.ts';
import type { Cli } from './terminal.ts';

const OWN = ['store', 'json', 'sourceType', 'dryRun', 'wait'];

type AnyLoader = LoaderComponent<unknown>;

export async function ingestCommand(cli: Cli): Promise<Command> {
  const loaders = await Promise.all(loaderNames.map(loadLoader));
  const command = withStore(new Command('ingest'))
    .summary('bring a source into a store')
    .description(
      'Bring a source into a store, with an outcome for every item: a folder, a ZIP archive, a CSV, TSV, JSON Lines or Parquet file, a Delta table, a list of URLs, a bucket in S3, or a loader of your own.',
    )
    .argument(
      '<source>',
      'a folder, a .zip, .csv, .tsv, .jsonl, .parquet or .txt file, or s3://bucket/prefix',
    )
    .option(
      '--source-type <name>',
      `what the source is (${loaders.map((l) => l.name).join(', ')}), instead of detecting it`,
    )
    .option('--dry-run', 'list, probe and plan the batches without writing anything')
    .option('--wait', 'wait for another run that writes to the store')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice ingest photos/ --labels folder             labels from folder names
  $ sluice ingest photos.csv --dataset products       rows of files, URLs or texts
  $ sluice ingest upload.zip --dry-run                what would happen, without writing
  $ sluice ingest s3://bucket/photos/                 objects by their keys (docs/sources/s3.md)
  $ sluice ingest media/ --profile open --json        also MP3, WebM …; the report as JSON`,
    );
  for (const flag of flagsOf(runOptions, 'Run:')) command.addOption(flag);
  for (const flag of loaderFlags(loaders)) command.addOption(flag);
  return command.action(async (source: string, flags: Record<string, unknown>) => {
    const store = storeOf(cli, flags['store'] as string | undefined);
    const detected = flags['sourceType'] === undefined ? await detectSource(source) : undefined;
    const name = detected?.loader.name ?? (flags['sourceType'] as string);
    const component = detected?.loader ?? (await loadLoader(name));
    const given = Object.entries(flags).filter(([field]) => command.getOptionValueSource(field) === 'cli');
    const { run, loader } = split(given, component.options, name);
    const request = {
      source,
      sourceType: name,
      store,
      options: run,
      loader,
      dryRun: flags['dryRun'] === true,
      wait: flags['wait'] === true,
    };
    await runForTerminal(cli, { store, json: flags['json'] === true, debug: isDebug(command) }, (env) =>
      ingest(request, env),
    );
  });
}

/** The flags of all loaders together; two loaders that share a flag mean the same by it. */
function loaderFlags(loaders: readonly AnyLoader[]): Option[] {
  const flags = new Map<string, { option: Option; loaders: string[] }>();
  for (const { name, options } of loaders) {
    for (const option of flagsOf(options, 'Source:')) {
      const known = flags.get(option.attributeName());
      if (known === undefined) flags.set(option.attributeName(), { option, loaders: [name] });
      else known.loaders.push(name);
    }
  }
  return [...flags.values()].map(({ option, loaders: of }) => {
    if (of.length < loaders.length) option.description = `${of.join(', ')}: ${option.description}`;
    return option;
  });
}

/** Sorts flags into those of the run and those of the loader; one that means nothing to this loader is an error. */
function split(
  given: [field: string, value: unknown][],
  loaderSchema: z.ZodType,
  loaderName: string,
): { run: Record<string, unknown>; loader: Record<string, unknown> } {
  const ofRun = new Set(fieldsOf(runOptions));
  const ofLoader = new Set(fieldsOf(loaderSchema));
  const run: Record<string, unknown> = {};
  const loader: Record<string, unknown> = {};
  for (const [field, value] of given) {
    if (OWN.includes(field)) continue;
    if (ofRun.has(field)) run[field] = value;
    else if (ofLoader.has(field)) loader[field] = value;
    else {
      throw new FatalError('CONFIG_INVALID', `--${kebab(field)} does not apply to a ${loaderName} source`);
    }
  }
  return { run, loader };
}
