import { expect, expectTypeOf, it } from 'vitest';
import { parse } from 'yaml';
import { definePipeline } from '../../../src/index.ts';
import { labelNames, loadLabels } from '../../../src/labels/index.ts';
import { loaderNames } from '../../../src/loaders/index.ts';
import type { LabelEntry, PipelineFile, SourceEntry } from '../../../src/pipeline/file/pipeline-file.ts';
import { checkObject } from '../../../src/pipeline/file/read.ts';
import { pipelineSchema } from '../../../src/pipeline/file/schema.ts';

it('has a type for every loader and every label source', () => {
  const loaders: Record<Exclude<keyof SourceEntry, 'name' | 'annotate'>, true> = {
    'clarifai-archive': true,
    csv: true,
    delta: true,
    folder: true,
    jsonl: true,
    module: true,
    parquet: true,
    s3: true,
    'sdk-log': true,
    'url-list': true,
    zip: true,
  };
  const labels: Record<keyof LabelEntry, true> = {
    clarifai: true,
    coco: true,
    huggingface: true,
    masks: true,
  };
  expect(Object.keys(loaders).sort()).toEqual([...loaderNames].sort());
  expect(Object.keys(labels).sort()).toEqual([...labelNames].sort());
});

it('has the same keys as its type', async () => {
  const { shape } = await pipelineSchema();
  const keys: Record<keyof PipelineFile, true> = {
    name: true,
    source: true,
    transform: true,
    label: true,
    validate: true,
    annotate: true,
    batch: true,
    sink: true,
    export: true,
    reindex: true,
    schedule: true,
    on_failure: true,
    tests: true,
  };
  expect(Object.keys(shape).sort()).toEqual(Object.keys(keys).sort());
});

it('takes a pipeline that is typed in code', async () => {
  const pipeline = definePipeline({
    source: [
      { name: 'a', folder: { path: '.', labels: 'folder' }, annotate: [{ coco: { split: false } }] },
      '.',
    ],
    validate: { profile: 'open', check: 'header' },
    batch: { items: 8 },
    sink: { local: { onDuplicate: 'suffix', dataset: 'd' } },
    on_failure: { maxRejected: '1%' },
  });
  expect((await checkObject(pipeline, '/')).problems).toEqual([]);
  expectTypeOf<{ source: string; batch: { item: 8 } }>().not.toExtend<PipelineFile>();
  expectTypeOf<{ source: string; validate: { dataset: string } }>().not.toExtend<PipelineFile>();
});

it('takes the example of every label source as an entry of annotate', async () => {
  for (const name of labelNames) {
    const { example } = await loadLabels(name);
    const annotate = parse(example) as LabelEntry[];
    const { problems } = await checkObject({ source: '.', annotate }, '/');
    expect(problems, `${name}: ${example}`).toEqual([]);
  }
});
