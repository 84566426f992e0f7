import { Command, InvalidArgumentError } from 'commander';
import { type InspectedItem, type InspectedSource, inspect } from '../pipeline/file/inspect.ts';
import { openPipeline } from '../pipeline/file/run.ts';
import { requestOf } from '../pipeline/file/to-request.ts';
import { contextFor, storeOf, withStore } from './run-command.ts';
import { type Cli, formatBytes, printable } from './terminal.ts';

const SHOWN_TEXT = 60;

export function inspectCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const command = withStore(new Command('inspect'))
    .summary('show what a run would read')
    .description('Show what each source is taken for, and its first items with their labels. Writes nothing.')
    .argument('<pipeline|source>', 'a pipeline file (.yaml), or anything that ingest takes')
    .option('--source-type <name>', 'what the source is, instead of detecting it')
    .option('--items <n>', 'items to show of each source', countOf, 5)
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice inspect photos/\n  $ sluice inspect pipelines/coco-annotated-images.yaml --items 2',
    );
  return command.action(async (given: string, flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, command);
    const store = storeOf(cli, flags['store'] as string | undefined);
    const sourceType = flags['sourceType'] as string | undefined;
    const request =
      sourceType === undefined && /\.ya?ml$/i.test(given)
        ? requestOf(await openPipeline(given), { store })
        : { source: given, store, ...(sourceType === undefined ? {} : { sourceType }) };
    const sources = await inspect(request, flags['items'] as number, {
      logger: ctx.logger,
      clock: ctx.clock,
      abort: ctx.signal,
    });
    if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, sources })}\n`);
    else stdout.write(sources.map((source) => `${shown(source).map(printable).join('\n')}\n`).join('\n'));
  });
}

function countOf(given: string): number {
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return count;
}

function shown({ name, source, type, reason, describes, items, more }: InspectedSource): string[] {
  return [
    `${name === undefined ? '' : `${name}: `}${source}`,
    `  ${type}, for ${reason}: ${describes}`,
    ...items.flatMap(shownItem),
    ...(more ? ['  … and more'] : items.length === 0 ? ['  nothing'] : []),
  ];
}

function shownItem(item: InspectedItem): string[] {
  const { uri, bytes, outcome, text, id } = item;
  if (outcome !== undefined)
    return [`  ${uri}  ${outcome.outcome} ${outcome.code}: ${outcome.message ?? ''}`];
  const labels = Object.entries({
    id,
    text: text === undefined || text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT)}…`,
    concepts: item.concepts?.map((c) => `${c.value === 0 ? '¬' : ''}${c.id}`).join(' '),
    annotations:
      item.annotations && `${item.annotations.count} ${item.annotations.concepts.join(' ')}`.trim(),
    metadata: item.metadata && JSON.stringify(item.metadata),
    geo: item.geo && `${item.geo.latitude}, ${item.geo.longitude}`,
    split: item.split,
  });
  return [
    `  ${uri}${bytes === undefined ? '' : `  ${formatBytes(bytes)}`}`,
    ...labels.flatMap(([label, value]) => (value === undefined ? [] : [`    ${label.padEnd(12)} ${value}`])),
  ];
}
