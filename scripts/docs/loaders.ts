import { z } from 'zod';
import { kebab } from '../../src/cli/flags.ts';
import { loaderNames, loadLoader } from '../../src/loaders/index.ts';
import type { LoaderComponent } from '../../src/model/component.ts';
import { code, page, table } from './markdown.ts';

interface Property {
  type?: string;
  enum?: string[];
  anyOf?: Property[];
  const?: unknown;
  items?: Property;
  default?: unknown;
  description?: string;
}

/** docs/loaders/<name>.md: what a loader reads, how it is called, and its options. */
export async function loaderPages(): Promise<[path: string, content: string][]> {
  const loaders = await Promise.all(loaderNames.map(loadLoader));
  return loaders.map((loader) => [`loaders/${loader.name}.md`, loaderPage(loader)]);
}

function loaderPage({ name, summary, example, options }: LoaderComponent<unknown>): string {
  const { properties = {} } = z.toJSONSchema(options, { io: 'input' });
  const rows = Object.entries(properties as Record<string, Property>).map(([field, property]) => [
    code(flag(field, property)),
    code(typeOf(property)),
    property.default === undefined ? '' : code(JSON.stringify(property.default)),
    property.description ?? '',
  ]);
  return page(
    `# ${name}`,
    `${summary}.`,
    `\`\`\`sh\n${example}\n\`\`\``,
    '## Options',
    table(['option', 'type', 'default', 'meaning'], rows),
    `The API takes them as ${code('loader: { … }')}, in camel case. The options of every run are in [ingest](../cli/ingest.md).`,
  );
}

/** As the command line spells it. */
const flag = (field: string, { default: value }: Property): string =>
  value === true ? `--no-${kebab(field)}` : `--${kebab(field)}`;

function typeOf(property: Property): string {
  if (property.const !== undefined) return String(property.const);
  if (property.enum !== undefined) return property.enum.join(' | ');
  if (property.anyOf !== undefined) return property.anyOf.map(typeOf).join(' | ');
  if (property.type === 'array') return `${typeOf(property.items ?? {})}, repeatable`;
  return property.type ?? 'any';
}
