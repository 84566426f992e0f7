import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTool } from '../../../src/media/run-tool.ts';
import { findTools } from '../../../src/media/tools.ts';
import { reindex } from '../../../src/pipeline/indexing/reindex.ts';
import { setWorkflow } from '../../../src/pipeline/indexing/workflow.ts';
import { ingest } from '../../../src/pipeline/ingest.ts';
import { cocoOf, plainPng } from '../../support/annotated.ts';
import { fakeModels } from '../../support/fake-models.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { vectorsIn } from '../../support/vectors.ts';
import { wav } from '../../support/wav.ts';

const box = (id: number, x: number) => ({ id, image_id: 1, category_id: 1, bbox: [x, 2, 10, 5] });

async function images(): Promise<{
  source: string;
  store: string;
  label(annotations: object[]): Promise<void>;
}> {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await mkdir(join(source, 'annotations'), { recursive: true });
  await writeFile(join(source, 'a.png'), await plainPng(10));
  await writeFile(join(source, 'b.png'), await plainPng(20));
  const label = (annotations: object[]) =>
    writeFile(
      join(source, 'annotations', 'instances.json'),
      JSON.stringify(cocoOf({ 'a.png': 1, 'b.png': 2 }, annotations)),
    );
  return { source, store: join(dir, 'store'), label };
}

test('each box of an image has a vector, and a changed annotation changes it', async () => {
  const { source, store, label } = await images();
  await label([box(1, 4), box(2, 20)]);
  const models = fakeModels();
  await setWorkflow({ store, name: 'regions', models: { image: [{ model: 'i' }] }, regions: true }, models);
  const request = { source, store, annotate: [{ type: 'coco' }], options: { onAnnotations: 'replace' } };
  const first = await ingest(request, models);
  expect(first.index).toMatchObject({ totals: { listed: 2, ok: 2 }, vectors: 4 });
  const parts = async () =>
    (await vectorsIn(store)).map(({ part, annotationId }) => [part, annotationId]).sort();
  expect(await parts()).toEqual([
    ['region', '1'],
    ['region', '2'],
    ['whole', null],
    ['whole', null],
  ]);
  await label([box(1, 4), box(3, 25)]);
  const second = await ingest(request, models);
  expect(second).toMatchObject({ byCode: { INPUT_UPDATED: 1 }, exitCode: 0 });
  expect(second.index).toMatchObject({ totals: { listed: 1, ok: 1 }, vectors: 3 });
  // Stale rows go with the next re-index.
  expect(await reindex({ store }, models)).toMatchObject({ exitCode: 0, byCode: { INPUT_INDEXED: 2 } });
  expect(await parts()).toEqual([
    ['region', '1'],
    ['region', '3'],
    ['whole', null],
    ['whole', null],
  ]);
});

test('a sound has one vector, a video one for each frame and their mean', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  await writeFile(join(source, 's.wav'), wav(1000));
  const { ffmpeg } = await findTools({ path: process.env['PATH'] ?? '' });
  const clip = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=5:duration=3', '-pix_fmt', 'yuv420p'];
  await runTool(ffmpeg, [...clip, join(source, 'v.mp4')], {
    timeoutMs: 120_000,
    maxBytes: 1_000_000,
    signal: new AbortController().signal,
  });
  const models = fakeModels();
  const both = { audio: [{ model: 'a' }], video: [{ model: 'i' }] };
  await setWorkflow({ store, name: 'av', models: both }, models);
  const report = await ingest({ source, store }, models);
  expect(report).toMatchObject({ exitCode: 0, index: { totals: { listed: 2, ok: 2 }, vectors: 5 } });
  const frames = (await vectorsIn(store)).filter(({ part }) => part === 'frame');
  expect(frames.map(({ timeMs }) => Number(timeMs)).sort()).toEqual([0, 1000, 2000]);
  const video = (await vectorsIn(store)).find(
    ({ inputId, part }) => inputId === frames[0]!.inputId && part === 'whole',
  )!;
  const mean = video.vector.map((_, i) => frames.reduce((sum, { vector }) => sum + vector[i]!, 0));
  const norm = Math.hypot(...mean);
  video.vector.forEach((value, i) => {
    expect(value).toBeCloseTo(mean[i]! / norm, 5);
  });
});
