import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkAnnotations } from '../../src/annotations/check.ts';
import { maskOfRuns } from '../../src/annotations/mask.ts';
import { coco } from '../../src/exporters/coco.ts';
import type { ConceptDefinition } from '../../src/model/annotation.ts';
import type { Input } from '../../src/model/input.ts';
import { labelsOf, opened } from '../labels/coco-labels.ts';
import { exportTo, memorySource, memoryTarget } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures/coco', import.meta.url));

interface Image {
  file: string;
  width: number;
  height: number;
}

/** The inputs that an import of the images and COCO files in `base` gives. */
async function imported(
  base: string,
  images: readonly Image[],
): Promise<{ inputs: Input[]; concepts: readonly ConceptDefinition[] }> {
  const source = await opened(base, { imageMetadata: true });
  const inputs: Input[] = [];
  for (const [i, { file, width, height }] of images.entries()) {
    const media = { format: 'jpeg', width, height };
    const id = `input-${i}`;
    const { annotations: entries = [], metadata = {}, labelledSize, split } = (await labelsOf(source, file))!;
    const { annotations, problems } = checkAnnotations(entries, {
      inputId: id,
      kind: 'image',
      media,
      ...(labelledSize === undefined ? {} : { labelledSize }),
    });
    expect(problems).toEqual([]);
    inputs.push({
      id,
      kind: 'image',
      uri: file,
      sha256: '',
      bytes: 0,
      media,
      concepts: [],
      metadata,
      datasets: [],
      annotations,
      ...(split === undefined ? {} : { split }),
    });
  }
  return { inputs, concepts: source.concepts };
}

async function exportedTo(folder: string, { inputs, concepts }: Awaited<ReturnType<typeof imported>>) {
  const { result } = await exportTo(coco, memorySource(inputs, { concepts }), memoryTarget(folder), {
    media: 'none',
    start: 0,
  });
  expect(result.losses).toEqual({});
  const names = readdirSync(join(folder, 'annotations'));
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, 'annotations', name), 'utf8')] as const),
    ),
  );
}

interface Coco {
  images: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
  categories: Record<string, unknown>[];
}

const SAMPLES = ['real-val2017-10', 'instances-mini', 'person_keypoints-mini'];

/** The images of a sample, as somebody else read them out of its files. */
function imagesOf(base: string): Image[] {
  const { items } = JSON.parse(readFileSync(join(base, 'truth.json'), 'utf8')) as {
    items: { file: string; json_wh: [number, number] }[];
  };
  return items.map(({ file, json_wh: [width, height] }) => ({ file, width, height }));
}

/** An input but for what follows from where it was read. */
function contentOf({ uri: _, metadata, ...rest }: Input): object {
  const { input_id: _id, ...said } = metadata['coco'] as Record<string, unknown>;
  return { ...rest, said };
}

describe('an imported COCO file', () => {
  it.each(SAMPLES)('comes back the same after export and import: %s', async (sample) => {
    const folder = join(await tempFolder(), 'out');
    const base = join(FIXTURES, sample);
    const first = await imported(base, imagesOf(base));
    const files = await exportedTo(folder, first);
    const moved = first.inputs.map(({ uri, split, media: { width = 0, height = 0 } }) => ({
      file: `images/${split}/${uri.slice(uri.lastIndexOf('/') + 1)}`,
      width,
      height,
    }));
    const second = await imported(folder, moved);
    expect(second.inputs.map(contentOf)).toEqual(first.inputs.map(contentOf));
    expect(new Set(second.concepts)).toEqual(new Set(first.concepts));
    expect(await exportedTo(join(await tempFolder(), 'again'), second)).toEqual(files);
  });

  it('is written as COCO itself wrote it', async () => {
    const base = join(FIXTURES, 'real-val2017-10');
    const name = 'instances_val2017_subset.json';
    const files = await exportedTo(join(await tempFolder(), 'out'), await imported(base, imagesOf(base)));
    const ours = JSON.parse(files[name]!) as Coco;
    const theirs = JSON.parse(await readFile(join(base, 'annotations', name), 'utf8')) as Coco;
    const byId = (list: Record<string, unknown>[]) =>
      new Map(
        list.map(({ input_id: _, segmentation, ...each }) => [
          each['id'],
          { ...each, segmentation: compressed(segmentation) },
        ]),
      );
    expect(ours.categories).toEqual(theirs.categories);
    expect(byId(ours.images)).toEqual(byId(theirs.images));
    expect(byId(ours.annotations)).toEqual(byId(theirs.annotations));
  });
});

/** COCO's own masks are lists of run lengths. */
function compressed(segmentation: unknown): unknown {
  if (typeof segmentation !== 'object' || segmentation === null || !('counts' in segmentation))
    return segmentation;
  const { size, counts } = segmentation as { size: [number, number]; counts: number[] | string };
  return typeof counts === 'string' ? segmentation : maskOfRuns(Uint32Array.from(counts), size[1], size[0]);
}
