import { labelNames, loadLabels } from '../../src/labels/index.ts';
import type { LabelComponent } from '../../src/model/component.ts';
import { code, page } from './markdown.ts';
import { optionsTable } from './options.ts';

/** docs/labels/<name>.md: what a label source reads, how a pipeline file names it, and its options. */
export async function labelPages(): Promise<[path: string, content: string][]> {
  const sources = await Promise.all(labelNames.map(loadLabels));
  return sources.map((source) => [`labels/${source.name}.md`, labelPage(source)]);
}

function labelPage({ name, summary, example, options }: LabelComponent<unknown>): string {
  return page(
    `# ${name}`,
    `${summary}.`,
    `\`\`\`yaml\n${example}\n\`\`\``,
    '## Options',
    optionsTable(options),
    `In a [pipeline file](../pipeline.md) they stand below ${code('annotate')}; relative paths start from the source's folder.`,
  );
}
