import { Command } from 'commander';
import { parseDatasetReference } from '../model/dataset.ts';
import { type AnnotationCounts, type ConceptCount, openReader } from '../stores/index.ts';
import { datasetChangeCommands } from './dataset-changes.ts';
import { datasetVersionCommands, versionText } from './dataset-versions.ts';
import { storeOf, withStore } from './run-command.ts';
import { type Cli, formatBytes, formatCount, printable, table } from './terminal.ts';

export function datasetsCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const datasets = new Command('datasets').description('The datasets of a store, and their versions.');

  const list = withStore(new Command('list'))
    .description('List the datasets; with --json one dataset a line.')
    .addHelpText('after', '\nExample:\n  $ sluice datasets list');
  list.action(async (flags: Record<string, unknown>) => {
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const found = await reader.listDatasets();
      if (flags['json']) {
        for (const dataset of found) stdout.write(`${JSON.stringify(dataset)}\n`);
        return;
      }
      const rows = found.map(({ id, inputs, bytes, byKind, createdAt }) => [
        printable(id),
        formatCount(inputs),
        formatBytes(bytes),
        kindsOf(byKind),
        createdAt.slice(0, 10),
      ]);
      stdout.write(`${table([['DATASET', 'INPUTS', 'BYTES', 'KINDS', 'CREATED'], ...rows])}\n`);
    } finally {
      reader.close();
    }
  });

  const show = withStore(new Command('show'))
    .description('Show one dataset, or a version of it: inputs by kind and split, annotations, concepts.')
    .argument('<name[@version]>')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice datasets show default\n  $ sluice datasets show default@v1 --json',
    );
  show.action(async (id: string, flags: Record<string, unknown>) => {
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const { dataset: name, version } = parseDatasetReference(id);
      if (version !== undefined) {
        const { version: found } = await reader.openVersion(name, version);
        stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, ...found })}\n` : versionText(found));
        return;
      }
      const dataset = await reader.showDataset(name);
      if (dataset === undefined) return await reader.requireDataset(name);
      if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, ...dataset })}\n`);
      else {
        const facts = [
          ['dataset', printable(dataset.id)],
          ['inputs', `${formatCount(dataset.inputs)} (${kindsOf(dataset.byKind)})`],
          ['bytes', formatBytes(dataset.bytes)],
          ['annotations', annotationsOf(dataset.annotations)],
          [
            'splits',
            Object.entries(dataset.bySplit)
              .map(([s, n]) => `${printable(s)} ${n}`)
              .join(' · ') || 'none',
          ],
          ...(dataset.description === undefined ? [] : [['description', printable(dataset.description)]]),
          ...(dataset.defaultFilterId === undefined ? [] : [['filter', printable(dataset.defaultFilterId)]]),
          ['created', dataset.createdAt],
        ];
        stdout.write(`${table(facts)}\n`);
        stdout.write(conceptTable('CONCEPT', dataset.concepts));
        stdout.write(conceptTable('CONCEPT OF ANNOTATIONS', dataset.annotations.concepts));
      }
    } finally {
      reader.close();
    }
  });

  for (const command of [list, show, ...datasetChangeCommands(cli), ...datasetVersionCommands(cli)]) {
    datasets.addCommand(command);
  }
  return datasets;
}

const kindsOf = (byKind: Record<string, number>): string =>
  Object.entries(byKind)
    .map(([kind, count]) => `${formatCount(count)} ${kind}`)
    .join(' · ') || 'none';

function annotationsOf({ total, inputs, byPart }: AnnotationCounts): string {
  if (total === 0) return 'none';
  const parts = Object.keys(byPart).length === 0 ? '' : ` (${kindsOf(byPart)})`;
  return `${formatCount(total)} of ${formatCount(inputs)} inputs${parts}`;
}

function conceptTable(title: string, concepts: readonly ConceptCount[]): string {
  if (concepts.length === 0) return '';
  const rows = concepts.map((c) => [printable(c.id), formatCount(c.positive), formatCount(c.negative)]);
  return `\n${table([[title, 'PRESENT', 'NEGATIVE'], ...rows])}\n`;
}
