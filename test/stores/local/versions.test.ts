import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Annotation } from '../../../src/model/annotation.ts';
import type { DatasetVersion } from '../../../src/model/dataset.ts';
import type { Input } from '../../../src/model/input.ts';
import {
  collectGarbage,
  compactStore,
  createVersion,
  deleteInputs,
  openReader,
} from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { box, collect, imageItem, ingest, textItem, withAnnotations } from './support.ts';

const ctx = testContext();
const all = { graceMs: -60_000 };

/** What a version holds, with the bytes of its media. */
async function contentOf(store: string, { dataset, id }: Pick<DatasetVersion, 'dataset' | 'id'>) {
  const reader = await openReader(store);
  try {
    const source = await reader.openVersion(dataset, id);
    const inputs = await collect(source.inputs());
    const media = await Promise.all(inputs.map((input) => source.media(input)));
    return { inputs, media, concepts: source.concepts };
  } finally {
    reader.close();
  }
}

const idsOf = (inputs: readonly Input[]): string[] => inputs.map(({ id }) => id);

describe('a version', () => {
  test('has the inputs and annotations that the dataset had, in the order of their ids', async () => {
    const store = await tempFolder();
    const annotated = withAnnotations(imageItem('b', 'B', { split: 'val' }), box('x'), box('y', 'dog'));
    const large = 'x'.repeat(64_001);
    await ingest(store, [[annotated, textItem('a', 'grüße'), textItem('é', large)]]);
    await ingest(store, [[textItem('other', 'o')]], { dataset: 'other' });
    const version = await createVersion(store, { dataset: 'default', id: 'v1', name: 'First' }, ctx);
    expect(version).toMatchObject({
      dataset: 'default',
      id: 'v1',
      name: 'First',
      metadata: {},
      inputsByKind: { image: 1, text: 2 },
      inputsBySplit: { val: 1 },
      bytes: 1 + 7 + 64_001,
      annotationsLeftOut: 0,
      concepts: { cat: { name: 'cat', positive: 1, negative: 0, regions: 1 } },
    });
    const { inputs, media } = await contentOf(store, version);
    expect(idsOf(inputs)).toEqual(['a', 'b', 'é']);
    expect(inputs[1]).toMatchObject({ annotations: [box('x'), box('y', 'dog')], datasets: ['default'] });
    expect(media[0]).toEqual({ buffer: Buffer.from('grüße') });
    expect(media[1]).toMatchObject({ bytes: 1 });
    expect(media[2]).toMatchObject({ bytes: 64_001 });
  });
});
