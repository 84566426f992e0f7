import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { coco } from '../../src/labels/coco.ts';
import type { ItemLabels, LabelSource, SourceItem } from '../../src/model/contracts.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** An open source of COCO labels beside what is in `base`. */
export async function opened(base: string, options: object = {}): Promise<LabelSource> {
  const source = coco.create(base, coco.options.parse(options));
  await source.open(testContext());
  onTestFinished(() => source.close());
  return source;
}

/** A folder with these files; objects are written as JSON. */
export async function folderOf(files: Record<string, object | string>): Promise<string> {
  const base = await tempFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(base, name)), { recursive: true });
    await writeFile(join(base, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return base;
}

/** What a source has for an item; undefined when it knows nothing of it. */
export async function labelsOf(
  source: LabelSource,
  item: string | SourceItem,
): Promise<ItemLabels | undefined> {
  const pending = await source.match(typeof item === 'string' ? { id: item, uri: item } : item);
  const labels = await pending?.load(testContext());
  return labels;
}

export async function leftOver(source: LabelSource): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of source.unmatched(testContext())) outcomes.push(outcome);
  return outcomes;
}

/** A COCO document of boxes: the ids of images by file name, and of which image each box is. */
export function document(images: Record<string, number>, boxes: unknown[] = Object.values(images)): object {
  return {
    images: Object.entries(images).map(([file_name, id]) => ({ id, file_name, width: 10, height: 10 })),
    annotations: boxes.map((image_id, i) => ({ id: i + 1, image_id, category_id: 1, bbox: [1, 1, 2, 2] })),
    categories: [{ id: 1, name: 'cat' }],
  };
}
