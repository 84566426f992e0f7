import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LabelComponent } from '../../src/model/component.ts';
import type { ItemLabels, LabelSource, SourceItem } from '../../src/model/contracts.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from './context.ts';

/** Writes files below a folder, by their relative paths. */
export async function writeFiles(folder: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** A label source of a folder, opened. */
export async function openLabels<Options>(
  component: LabelComponent<Options>,
  base: string,
  options: Record<string, unknown> = {},
): Promise<LabelSource> {
  const source = component.create(base, component.options.parse(options));
  await source.open(testContext());
  return source;
}

/** What a source has for the item of that uri; undefined when nothing. */
export async function labelsOf(
  source: LabelSource,
  uri: string,
  rest: Partial<SourceItem> = {},
): Promise<(ItemLabels & { promised: number }) | undefined> {
  const pending = await source.match({ id: uri, uri, ...rest });
  return pending === undefined
    ? undefined
    : { promised: pending.annotations, ...(await pending.load(testContext())) };
}

export async function leftOver(source: LabelSource): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of source.unmatched(testContext())) outcomes.push(outcome);
  return outcomes;
}
