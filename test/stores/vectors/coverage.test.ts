import { expect, test } from 'vitest';
import { contentKey } from '../../../src/model/content-key.ts';
import {
  changeIndexState,
  deleteAnnotations,
  indexCounts,
  indexCoverage,
} from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, box, imageItem, ingest, textItem, withAnnotations } from '../local/support.ts';
import { appendNow, generation, model, opened, whole } from './support.ts';

const ctx = testContext();
const TEXT = model('aaaa');
const TEXT_2 = model('bbbb', { node: { name: 'second', model: 'models/bbbb' } });
const IMAGE = model('cccc', { kind: 'image' });

async function storeOf4(): Promise<{ store: string; contents: Record<string, string> }> {
  const store = await tempFolder();
  await ingest(store, [
    [textItem('t1', 'one'), textItem('t2', 'two'), textItem('t3', 'three')],
    [withAnnotations(imageItem('i1', 'image 1'), box('b1')), imageItem('i2', 'image 2')],
  ]);
  const inputs = await allInputs(store);
  return { store, contents: Object.fromEntries(inputs.map((input) => [input.id, contentKey(input, true)])) };
}

test('an input counts as indexed as it is now, and as failed only where it is not', async () => {
  const { store, contents } = await storeOf4();
  const base = generation('g1', [TEXT, TEXT_2, IMAGE], { regions: true });
  const zero = { indexed: 0, failed: 0 };
  expect(await indexCoverage(store, base, ctx)).toEqual([
    { fingerprint: 'aaaa', kind: 'text', inputs: 3, ...zero },
    { fingerprint: 'bbbb', kind: 'text', inputs: 3, ...zero },
    { fingerprint: 'cccc', kind: 'image', inputs: 2, ...zero },
  ]);
  const writer = await opened(store, base.models);
  await appendNow(writer, 'aaaa', [whole('t1', contents['t1']!), whole('t2', 'of another content')]);
  await appendNow(writer, 'cccc', [whole('i1', contents['i1']!), whole('i2', contents['i2']!)]);
  const why = { code: 'EMBED_FAILED', message: 'why' } as const;
  await Promise.all([
    writer.fail('aaaa', [
      { inputId: 't3', content: contents['t3']!, ...why },
      { inputId: 't2', content: 'of another content', ...why },
    ]),
    writer.flush(),
  ]);
  expect(await indexCoverage(store, base, ctx)).toEqual([
    { fingerprint: 'aaaa', kind: 'text', inputs: 3, indexed: 1, failed: 1 },
    { fingerprint: 'bbbb', kind: 'text', inputs: 3, ...zero },
    { fingerprint: 'cccc', kind: 'image', inputs: 2, indexed: 2, failed: 0 },
  ]);
  await writer.close();

  // Boxes are part of what is embedded.
  await deleteAnnotations(store, ['i1'], {}, ctx);
  expect((await indexCoverage(store, base, ctx))[2]).toMatchObject({ inputs: 2, indexed: 1 });
});

test('the counters are of the served generation, and of a base that is not whole yet', async () => {
  const { store, contents } = await storeOf4();
  const nothing = {
    ...{ processed: 0, to_process: 0, errors: 0, processing: 0 },
    ...{ reindexed: 0, to_reindex: 0, reindex_errors: 0, reindexing: 0 },
  };
  expect(await indexCounts(store, ctx)).toEqual(nothing);

  const first = generation('g1', [TEXT]);
  await changeIndexState(store, (state) => ({ ...state, base: first, serving: first }), ctx);
  const writer = await opened(store, [TEXT, TEXT_2]);
  await appendNow(writer, 'aaaa', [whole('t1', contents['t1']!)]);
  const why = { code: 'EMBED_FAILED', message: 'why' } as const;
  await Promise.all([
    writer.fail('aaaa', [{ inputId: 't2', content: contents['t2']!, ...why }]),
    writer.flush(),
  ]);
  expect(await indexCounts(store, ctx)).toEqual({ ...nothing, processed: 1, errors: 1, processing: 1 });

  const second = generation('g2', [TEXT, TEXT_2]);
  await changeIndexState(store, (state) => ({ ...state, base: second }), ctx);
  await appendNow(writer, 'bbbb', [whole('t1', contents['t1']!), whole('t3', contents['t3']!)]);
  const served = { processed: 1, errors: 1, to_process: 1, processing: 0 };
  const counts = { ...nothing, ...served, reindexed: 1, reindex_errors: 1 };
  expect(await indexCounts(store, ctx)).toEqual({ ...counts, reindexing: 1 });
  await writer.close();
  expect(await indexCounts(store, ctx)).toEqual({ ...counts, to_reindex: 1 });
});
