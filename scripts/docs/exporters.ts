import { kebab } from '../../src/cli/flags.ts';
import { exporterNames, loadExporter } from '../../src/exporters/index.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import { code, page, table } from './markdown.ts';
import { optionsTable, type Property } from './options.ts';

/** docs/exporters/<name>.md: what a format writes, its options, and what it cannot carry. */
export async function exporterPages(): Promise<[path: string, content: string][]> {
  const exporters = await Promise.all(exporterNames.map(loadExporter));
  return exporters.map((exporter) => [`exporters/${exporter.name}.md`, exporterPage(exporter)]);
}

function exporterPage({
  name,
  summary,
  example,
  options,
  writes,
  kinds,
  losses,
}: ExporterComponent<unknown>) {
  return page(
    `# ${name}`,
    `${summary}.`,
    `\`\`\`sh\n${example}\n\`\`\``,
    `It writes a ${writes} and takes ${kinds.join(', ')}; inputs of other kinds are skipped as ${code('EXPORT_UNSUPPORTED')}. ` +
      (writes === 'folder'
        ? `The folder also has a dataset card (${code('README.md')}), ${code('croissant.json')} and ${code('.sluice-export.json')}, which lists its files.`
        : `Beside the file are a dataset card (${code('<out>.README.md')}), ${code('<out>.croissant.json')} and ${code('<out>.sluice.json')}, which lists these files.`),
    '## Options',
    optionsTable(options, flag),
    `The API takes them as ${code('options: { … }')}, and a [pipeline file](../pipeline.md) as ` +
      `${code(`export: { ${name}: { dataset: …, out: …, … } }`)}, both in camel case. The options of every export are in ` +
      '[export](../cli/export.md).',
    '## What it cannot carry',
    losses.length === 0
      ? 'Nothing: it carries all of it.'
      : table(
          ['loss', 'what', 'what becomes of it'],
          losses.map(({ id, what, instead }) => [code(id), what, instead]),
        ),
    ...(losses.length === 0 ? [] : ['The report and the card count each loss.']),
  );
}

/** As the command line spells it. */
const flag = (field: string, { default: value }: Property): string =>
  value === true ? `--no-${kebab(field)}` : `--${kebab(field)}`;
