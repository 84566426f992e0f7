import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nullSink, openPlan } from '../../../src/stores/index.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, codes, imageItem, ingest, textItem } from './support.ts';

const policy = {
  dataset: 'default',
  onExisting: 'merge',
  onDuplicate: 'reject',
  onAnnotations: 'append',
} as const;

test('a plan answers what a run would, and writes nothing', async () => {
  const store = await tempFolder();
  await ingest(store, [[textItem('a', 'A'), imageItem('b', 'B')]]);
  const before = await allInputs(store);
  const plan = await openPlan(store, { ...policy, spoolDir: await tempFolder() });
  expect([...(await plan.existing(['a', 'c'])).keys()]).toEqual(['a']);
  const answers = await plan.write([
    textItem('a', 'A'),
    imageItem('b', 'other'),
    textItem('c', 'C'),
    textItem('a', 'A', { split: 'test' }),
  ]);
  expect(codes(answers)).toEqual(['INPUT_UNCHANGED', 'INPUT_DUPLICATE', 'INPUT_SUCCESS', 'INPUT_UPDATED']);
  await plan.flush();
  await plan.close();
  expect(await allInputs(store)).toEqual(before);
});

test('a plan needs no store and makes none', async () => {
  const folder = await tempFolder();
  const plan = await openPlan(join(folder, 'none'), { ...policy, spoolDir: folder });
  expect(await plan.existing(['a'])).toEqual(new Map());
  expect(codes(await plan.write([textItem('a', 'A')]))).toEqual(['INPUT_SUCCESS']);
  await plan.close();
  expect(await readdir(folder)).toEqual([]);
});

test('the null sink takes everything and releases it', async () => {
  let released = 0;
  const sink = nullSink('/nowhere');
  const item = { ...imageItem('a', 'A'), release: () => void released++ };
  expect(codes(await sink.write([item, item]))).toEqual(['INPUT_SUCCESS', 'INPUT_SUCCESS']);
  expect(released).toBe(2);
  expect(await sink.existing(['a'])).toEqual(new Map());
});
