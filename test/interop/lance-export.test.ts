import { expect, it } from 'vitest';
import { lance } from '../../src/exporters/lance.ts';
import { attempt, exported, memorySource } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';

const READ = `
import lance
def rows(name):
    return lance.dataset(data['path'] + '/' + name + '.lance').to_table().to_pylist()
result = {
    'inputs': [{**row, 'image': row['image'] and [row['image']['bytes'].hex(), row['image']['path']]} for row in rows('inputs')],
    'annotations': [{**row, 'annotation_created_at': str(row['annotation_created_at'])} for row in rows('annotations')],
}
`;

interface Answer {
  inputs: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
}

describePython('training', 'tables that pylance reads', (python) => {
  it('have inputs with their bytes, and annotations', async () => {
    const path = await tempFolder();
    const source = memorySource([
      {
        id: 'a',
        content: Buffer.from('abc'),
        geo: { latitude: 1, longitude: -2 },
        concepts: [{ id: 'c', name: 'C', value: 1 }],
        annotations: [{ id: 'x', concepts: [], frame: { timeMs: 0 }, createdAt: '2024-02-03T04:05:06.007Z' }],
      },
      { id: 'b', kind: 'text', uri: 'b.txt', media: { format: 'text' }, text: 'größer', split: 'test' },
    ]);
    await exported(lance as never, source, path);
    const { inputs, annotations } = await python<Answer>(READ, { path });
    expect(inputs).toMatchObject([
      {
        input_id: 'a',
        kind: 'image',
        image: ['616263', 'a.png'],
        geopoints: { latitude: 1, longitude: -2 },
        concepts: [{ id: 'c', name: 'C', value: 1 }],
      },
      { input_id: 'b', kind: 'text', image: null, text: 'größer', split: 'test', geopoints: null },
    ]);
    expect(annotations).toMatchObject([
      {
        annotation_id: 'x',
        input_id: 'a',
        annotation_kind: 'frame',
        annotation_created_at: '2024-02-03 04:05:06.007000+00:00',
      },
    ]);
  });

  it('have each row once after an attempt that was cut off', async () => {
    const path = await tempFolder();
    const size = 17_000_000;
    const source = memorySource(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({
        id,
        content: Buffer.alloc(size, id),
        annotations: [{ id: 'x', concepts: [] }],
      })),
    );
    const first = await attempt(lance as never, source, path, {}, { stopAfter: 5 });
    expect(first.checkpoint).toMatchObject({ after: 'd' });
    // It had begun to append more when it was cut off.
    await attempt(lance as never, source, path, {}, { checkpoint: first.checkpoint });
    const last = await attempt(lance as never, source, path, {}, { checkpoint: first.checkpoint });
    expect(last.outcomes.map(({ inputId }) => inputId)).toEqual(['e', 'f']);
    expect(last.result!.annotations).toEqual({ written: 6, leftOut: 0 });
    const { inputs, annotations } = await python<Answer>(READ, { path });
    expect(inputs.map(({ input_id }) => input_id)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(annotations.map(({ input_id }) => input_id)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });
});
