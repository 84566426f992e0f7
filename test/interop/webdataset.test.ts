import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { webdataset } from '../../src/exporters/webdataset.ts';
import { plainPng } from '../support/annotated.ts';
import { exported, memorySource } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';

const READ = `
import hashlib, webdataset as wds
result = []
for sample in wds.WebDataset(data['shards'], shardshuffle=False).decode():
    media = sample.get('bin')
    result.append({
        'key': sample['__key__'], 'json': sample['json'], 'cls': sample.get('cls'), 'txt': sample.get('txt'),
        'sha256': hashlib.sha256(media).hexdigest() if media else None,
    })
images = wds.WebDataset(data['shards'], shardshuffle=False).decode('rgb8')
result = {'samples': result, 'shapes': [list(sample['png'].shape) for sample in images if 'png' in sample]}
`;

interface Answer {
  samples: {
    key: string;
    json: Record<string, unknown>;
    cls: number | null;
    txt: string | null;
    sha256: string;
  }[];
  shapes: number[][];
}

describePython('training', 'shards that webdataset reads', (python) => {
  it('have every input with its bytes, labels, text and number of its class', async () => {
    const path = await tempFolder();
    const large = Buffer.alloc(3_000_000, 'not a picture ');
    const cat = { id: 'cat', name: 'Cat', value: 1 };
    const dog = { id: 'dog', name: 'Dog', value: 1 };
    const source = memorySource([
      {
        id: 'A.b é',
        media: { format: 'png', width: 40, height: 20 },
        content: await plainPng(1),
        text: 'ein Wort: größer',
        concepts: [cat],
        annotations: [{ id: 'x', concepts: [dog], region: { point: { x: 0, y: 0.5 } } }],
      },
      { id: 'large', kind: 'video', media: { format: 'nothing' }, content: large, concepts: [dog] },
      { id: 'note', kind: 'text', media: { format: 'text' }, text: 'one\ntwo', concepts: [cat, dog] },
    ]);
    const options = { cls: true, maxShardSize: 1_000_000 };
    const { result } = await exported(webdataset as never, source, path, options);
    const tars = result.files.map((file) => file.path).filter((name) => name.endsWith('.tar'));
    expect(tars).toEqual(['train-000000.tar', 'train-000001.tar', 'train-000002.tar']);
    const shards = tars.map((name) => join(path, name));
    const { samples, shapes } = await python<Answer>(READ, { shards });
    expect(samples.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^a-b-e-[0-9a-z]{16}$/),
      'large',
      'note',
    ]);
    expect(samples.map(({ cls }) => cls)).toEqual([0, 1, null]);
    expect(samples.map(({ txt }) => txt)).toEqual(['ein Wort: größer', null, 'one\ntwo']);
    expect(samples[0]!.json).toMatchObject({
      id: 'A.b é',
      concepts: [cat],
      annotations: [{ id: 'x', concepts: [dog], region: { point: { x: 0, y: 0.5 } } }],
    });
    expect(samples[1]!.sha256).toBe(createHash('sha256').update(large).digest('hex'));
    expect(shapes).toEqual([[20, 40, 3]]);
  });
});
