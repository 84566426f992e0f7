import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folder } from '../../src/exporters/folder.ts';
import { plainPng } from '../support/annotated.ts';
import { exported, memorySource } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

const LOAD = `
from datasets import load_dataset
loaded = load_dataset('imagefolder', data_dir=data['path'], cache_dir=data['cache'])
def plain(row):
    row['size'] = list(row.pop('image').size)
    return row
result = {split: [plain(row) for row in rows] for split, rows in loaded.items()}
`;

/** Stops before the sounds are decoded, which takes torch. */
const LOAD_SOUNDS = `
import os
from datasets import DownloadManager, load_dataset_builder
builder = load_dataset_builder('audiofolder', data_dir=data['path'], cache_dir=data['cache'])
def plain(row):
    sound = row.pop('audio')
    row['size'] = os.path.getsize(sound if isinstance(sound, str) else sound['path'])
    return row
result = {
    str(split.name): [plain(row) for _, row in builder._generate_examples(**split.gen_kwargs)]
    for split in builder._split_generators(DownloadManager())
}
`;

type Rows = Record<string, Record<string, unknown>[]>;

const cat = { id: 'cat', name: 'cat', value: 1 };
const region = { box: { left: 0.25, top: 0.5, right: 0.5, bottom: 1 } };

describePython('training', 'a folder that load_dataset reads', (python) => {
  it('has the images of each split with their labels, boxes, texts and metadata', async () => {
    const base = await tempFolder();
    const path = join(base, 'out');
    await mkdir(path);
    const media = { format: 'png', width: 40, height: 20 };
    const source = memorySource([
      {
        id: 'a',
        uri: 'x/test 1.png',
        split: 'train',
        media,
        content: await plainPng(1),
        concepts: [cat],
        text: 'a caption',
        metadata: { weight: 1, place: 'Rom', nested: { deep: [1] }, day: 'Monday' },
        annotations: [{ id: '1', concepts: [cat], region }],
      },
      {
        id: 'b',
        split: 'test',
        media,
        content: await plainPng(2),
        metadata: { weight: 1.5 },
        annotations: [{ id: '2', concepts: [], region: { box: { left: 0, top: 0, right: 1, bottom: 1 } } }],
      },
      { id: 'c', media, content: await plainPng(3), metadata: { weight: -2 } },
    ]);
    await exported(folder as never, source, path);
    const rows = await python<Rows>(LOAD, { path, cache: base });
    expect(rows).toEqual({
      train: [
        {
          size: [40, 20],
          input_id: 'a',
          label: 'cat',
          objects: { bbox: [[10, 10, 10, 10]], categories: ['cat'], id: ['1'] },
          text: 'a caption',
          day: 'Monday',
          nested: '{"deep":[1]}',
          place: 'Rom',
          weight: 1,
        },
        {
          size: [40, 20],
          input_id: 'c',
          label: '',
          objects: { bbox: [], categories: [], id: [] },
          text: '',
          day: '',
          nested: '',
          place: '',
          weight: -2,
        },
      ],
      test: [
        {
          size: [40, 20],
          input_id: 'b',
          label: '',
          objects: { bbox: [[0, 0, 40, 20]], categories: [''], id: ['2'] },
          text: '',
          day: '',
          nested: '',
          place: '',
          weight: 1.5,
        },
      ],
    });
  });

  it('has a folder of its own for each kind', async () => {
    const base = await tempFolder();
    const path = join(base, 'out');
    await mkdir(path);
    const sound = wav(200);
    const source = memorySource([
      { id: 'a', media: { format: 'png' }, content: await plainPng(1), concepts: [cat] },
      { id: 's', kind: 'audio', uri: 's.wav', media: { format: 'wav' }, content: sound, metadata: { n: 1 } },
      { id: 't', kind: 'text', uri: 't.txt', media: { format: 'text' }, text: 'no folder holds it' },
    ]);
    const { outcomes } = await exported(folder as never, source, path);
    expect(outcomes.map(({ code }) => code)).toEqual(['EXPORTED', 'EXPORTED', 'EXPORT_UNSUPPORTED']);
    const images = await python<Rows>(LOAD, { path: join(path, 'image'), cache: base });
    expect(images).toEqual({ train: [{ size: [40, 20], input_id: 'a', label: 'cat' }] });
    const sounds = await python<Rows>(LOAD_SOUNDS, { path: join(path, 'audio'), cache: base });
    expect(sounds).toEqual({ train: [{ size: sound.length, input_id: 's', n: 1 }] });
  });
});
