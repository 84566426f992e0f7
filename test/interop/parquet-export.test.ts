import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parquet } from '../../src/exporters/parquet.ts';
import { plainPng } from '../support/annotated.ts';
import { exported, memorySource } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';

const READ = `
import pandas, pyarrow.parquet as pq
from datasets import load_dataset
inputs, annotations = (pq.read_table(data['path'] + '/' + name + '.parquet') for name in ('inputs', 'annotations'))
rows = inputs.drop_columns(['image']).to_pylist()
joined = annotations.to_pandas().merge(inputs.drop_columns(['image']).to_pandas(), on='input_id')
loaded = load_dataset('parquet', data_files=data['path'] + '/inputs.parquet', cache_dir=data['cache'])['train']
result = {
    'inputs': rows, 'sizes': [row['image'] and list(row['image'].size) for row in loaded],
    'annotations': [{**row, 'annotation_created_at': str(row['annotation_created_at'])} for row in annotations.to_pylist()],
    'joined': len(joined), 'types': [str(field.type) for field in annotations.schema],
}
`;

interface Answer {
  inputs: Record<string, unknown>[];
  sizes: (number[] | null)[];
  annotations: Record<string, unknown>[];
  joined: number;
  types: string[];
}

describePython('training', 'tables that pyarrow, pandas and datasets read', (python) => {
  it('have inputs and annotations with the columns of the platform’s data frames', async () => {
    const base = await tempFolder();
    const path = join(base);
    const annotation = {
      id: 'x',
      concepts: [{ id: 'c', name: 'C', value: 0 }],
      region: { box: { top: 0, left: 0, bottom: 0.5, right: 1 } },
      annotator: 'ann',
      createdAt: '2024-02-03T04:05:06.007Z',
    };
    const source = memorySource([
      {
        id: 'b',
        uri: 'https://example.com/b.png',
        media: { format: 'png', width: 40, height: 20 },
        content: await plainPng(1),
        concepts: [{ id: 'c', name: 'C', value: 1 }],
        metadata: { 'a b': [1, null] },
        geo: { latitude: -1.5, longitude: 0 },
        split: 'train',
        annotations: [annotation],
      },
      { id: 'ä', kind: 'text', uri: 'ä.txt', media: { format: 'text' }, text: 'größer', bytes: 7 },
    ]);
    await exported(parquet as never, source, path);
    const { inputs, sizes, annotations, joined, types } = await python<Answer>(READ, { path, cache: base });
    expect(inputs).toEqual([
      {
        input_id: 'b',
        kind: 'image',
        uri: 'https://example.com/b.png',
        split: 'train',
        image_url: 'https://example.com/b.png',
        image_info: '{"format":"png","width":40,"height":20}',
        text_url: null,
        text_info: null,
        text: null,
        concepts: [{ id: 'c', name: 'C', value: 1 }],
        metadata: '{"a b":[1,null]}',
        geopoints: { latitude: -1.5, longitude: 0 },
        sha256: '0'.repeat(64),
        bytes: expect.any(Number),
        input_created_at: null,
        input_modified_at: null,
      },
      expect.objectContaining({ input_id: 'ä', kind: 'text', text: 'größer', concepts: [], bytes: 7 }),
    ]);
    expect(sizes).toEqual([[40, 20], null]);
    expect(annotations).toEqual([
      {
        annotation_id: 'x',
        annotation: JSON.stringify(annotation),
        annotation_kind: 'box',
        annotation_user_id: 'ann',
        input_id: 'b',
        concepts: [{ id: 'c', name: 'C', value: 0 }],
        annotation_created_at: '2024-02-03 04:05:06.007000+00:00',
        annotation_modified_at: null,
      },
    ]);
    expect(joined).toBe(1);
    expect(types.at(-1)).toBe('timestamp[ms, tz=UTC]');
  });
});
