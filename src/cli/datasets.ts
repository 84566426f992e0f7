import { Command } from 'commander';
import { FatalError } from '../model/errors.ts';
import { type AnnotationCounts, type ConceptCount, openReader } from '../stores/index.ts';
import { storeOf, withStore } from './run-command.ts';
import { type Cli, formatBytes, formatCount, printable, table } from './terminal.ts';

export function datasetsCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const datasets = new Command('datasets').description('The datasets of a store.');

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
    .description('Show one dataset: inputs by kind and split, annotations, concepts.')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  $ sluice datasets show default');
  show.action(async (id: string, flags: Record<string, unknown>) => {
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const dataset = await reader.showDataset(id);
      if (dataset === undefined) throw noDataset(id);
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

  return datasets.addCommand(list).addCommand(show);
}

export const noDataset = (id: string): FatalError =>
  new FatalError('CONFIG_INVALID', `there is no dataset ${id}; sluice datasets list shows them`);

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
