import { kebab } from '../../src/cli/flags.ts';
import { loaderNames, loadLoader } from '../../src/loaders/index.ts';
import type { LoaderComponent } from '../../src/model/component.ts';
import { code, page } from './markdown.ts';
import { optionsTable, type Property } from './options.ts';

/** docs/loaders/<name>.md: what a loader reads, how it is called, and its options. */
export async function loaderPages(): Promise<[path: string, content: string][]> {
  const loaders = await Promise.all(loaderNames.map(loadLoader));
  return loaders.map((loader) => [`loaders/${loader.name}.md`, loaderPage(loader)]);
}

function loaderPage({ name, summary, example, options }: LoaderComponent<unknown>): string {
  return page(
    `# ${name}`,
    `${summary}.`,
    `\`\`\`sh\n${example}\n\`\`\``,
    '## Options',
    optionsTable(options, flag),
    `The API takes them as ${code('loader: { … }')}, and a [pipeline file](../pipeline.md) as ` +
      `${code(`${name}: { path: …, … }`)}, both in camel case. The options of every run are in [ingest](../cli/ingest.md).`,
  );
}

/** As the command line spells it. */
const flag = (field: string, { default: value }: Property): string =>
  value === true ? `--no-${kebab(field)}` : `--${kebab(field)}`;
