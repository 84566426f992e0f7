import { createHash } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodeMask, encodeMask, maskOfPolygon } from '../../src/annotations/mask.ts';
import { protobuf } from '../../src/exporters/protobuf.ts';
import type { Annotation, Polygon } from '../../src/model/annotation.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import { serve } from '../support/http-server.ts';
import { attempt, type Held, memorySource } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

const exporter = protobuf as unknown as ExporterComponent<never>;
const WIDTH = 10;
const HEIGHT = 6;

const cat = { id: 'cat', name: 'Cat', value: 1 };
const notDog = { id: 'dog', name: 'Dog', value: 0 };
const holed: Polygon = [
  [
    [
      [0, 0],
      [0.8, 0],
      [0.8, 1],
      [0, 1],
    ],
    [
      [0.2, 0.2],
      [0.5, 0.2],
      [0.5, 0.7],
      [0.2, 0.7],
    ],
  ],
];
const mask = encodeMask(
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  WIDTH,
  HEIGHT,
);
const annotations: Annotation[] = [
  {
    id: 'box',
    concepts: [cat, notDog],
    region: { box: { top: 0, left: 0.25, bottom: 1 / 3, right: 1 } },
    trackId: 't',
    text: 'STOP',
    score: 0.5,
  },
  {
    id: 'outline',
    concepts: [cat],
    region: {
      polygon: [
        [
          [
            [0, 0],
            [0.5, 0],
            [0.5, 0.75],
          ],
        ],
      ],
    },
  },
  { id: 'holes', concepts: [notDog], region: { polygon: holed } },
  { id: 'mask', concepts: [cat], region: { mask } },
  {
    id: 'point',
    concepts: [],
    region: { point: { x: 0, y: 1, visibility: 'not_visible' } },
    annotator: 'me',
  },
];

/** All kinds, with what the SDK leaves out of its own export as well. */
async function dataset(): Promise<Held[]> {
  const image = { r: 10, g: 200, b: 30 };
  const png = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: image } })
    .png()
    .toBuffer();
  const jpeg = await sharp(png).jpeg().toBuffer();
  const sound = wav(1000);
  const held: Held[] = [
    {
      id: 'picture 猫',
      content: png,
      media: { format: 'png', width: WIDTH, height: HEIGHT },
      concepts: [cat, notDog],
      metadata: { n: 0, list: [true, null, 'é'] },
      geo: { latitude: -12.5, longitude: 0 },
      annotations,
    },
    {
      id: 'photo',
      content: jpeg,
      media: { format: 'jpeg', width: WIDTH, height: HEIGHT },
      text: 'a caption',
    },
    {
      id: 'clip',
      kind: 'video',
      content: Buffer.from('not really a video'),
      media: { format: 'mp4', width: WIDTH, height: HEIGHT, durationMs: 5000, frameRate: 25 },
      annotations: [
        { id: 'f0', concepts: [cat], frame: { timeMs: 0 } },
        {
          id: 'f1',
          concepts: [notDog],
          frame: { timeMs: 40, index: 1 },
          region: { box: { top: 0, left: 0, bottom: 0.5, right: 0.5 } },
        },
        { id: 's', concepts: [cat], segment: { beginMs: 0, endMs: 1500 } },
      ],
    },
    {
      id: 'sound',
      kind: 'audio',
      content: sound,
      media: { format: 'wav', durationMs: 1000, sampleRate: 8000 },
    },
    {
      id: 'words',
      kind: 'text',
      text: 'some words 😀',
      content: Buffer.from('some words 😀'),
      media: { format: 'text' },
      annotations: [{ id: 'span', concepts: [cat], span: { start: 0, end: 4, text: 'some' } }],
    },
  ];
  return held.map((each) => ({
    ...each,
    sha256: createHash('sha256')
      .update(each.content as Buffer)
      .digest('hex'),
  }));
}

const READ = `
from clarifai.datasets.export.inputs_annotations import DatasetExportReader
from google.protobuf.json_format import MessageToDict
with DatasetExportReader(local_archive_path=data["archive"]) as reader:
    result = {
        "length": len(reader),
        "split": reader.split_dir,
        "inputs": [MessageToDict(each) for each in reader],
    }
`;

const EXPORT = `
import io, zipfile
from PIL import Image
from clarifai.client.dataset import Dataset
dataset = Dataset(dataset_id="d", user_id="u", app_id="a", pat="none", base_url="http://127.0.0.1:9")
dataset.export(data["out"], local_archive_path=data["archive"], split="train")
files = {}
with zipfile.ZipFile(data["out"]) as archive:
    for name in archive.namelist():
        content = archive.read(name)
        if name.endswith(".json"):
            files[name] = json.loads(content)
        elif name.endswith(".png"):
            files[name] = [*Image.open(io.BytesIO(content)).size, *Image.open(io.BytesIO(content)).convert("RGB").getpixel((0, 0))]
        else:
            files[name] = content.hex()
result = files
`;

interface Read {
  length: number;
  split: string;
  inputs: { id: string; data: Record<string, unknown> }[];
}

const png = async (base64: string): Promise<Buffer> =>
  sharp(Buffer.from(base64, 'base64')).extractChannel(0).raw().toBuffer();

describePython('clarifai', 'the official Python SDK', (python) => {
  it('reads every input, annotation and concept of an archive with media inside', async () => {
    const archive = join(await tempFolder(), 'archive.zip');
    const held = await dataset();
    await attempt(exporter, memorySource(held), archive, { batchItems: 2 });
    const { length, split, inputs } = await python<Read>(READ, { archive });
    expect([length, split]).toEqual([held.length, 'all']);
    const byId = new Map(inputs.map(({ id, data }) => [id, data]));
    expect([...byId.keys()].sort()).toEqual(held.map(({ id }) => id).sort());
    for (const { id, kind = 'image', content, text } of held) {
      const media = byId.get(id)![kind] as { base64?: string; raw?: string };
      if (kind === 'text') expect(media.raw).toBe(text);
      else expect(Buffer.from(media.base64!, 'base64').equals(content as Buffer)).toBe(true);
    }
    expect(byId.get('photo')!['text']).toEqual({ raw: 'a caption' });
    expect(byId.get('clip')).toMatchObject({
      frames: [
        { id: 'f0', data: { concepts: [cat] } },
        {
          id: 'f1',
          // Its messages count time in 64 bits, which JSON has as text.
          frameInfo: { time: '40', number: 1 },
          data: { regions: [{ id: 'f1', data: { concepts: [{ id: 'dog', name: 'Dog' }] } }] },
        },
      ],
      timeSegments: [{ id: 's', timeInfo: { endTime: 1.5 }, data: { concepts: [cat] } }],
    });
    expect(byId.get('words')).toMatchObject({
      regions: [{ id: 'span', regionInfo: { span: { charEnd: 4, rawText: 'some' } } }],
    });

    const picture = byId.get('picture 猫')!;
    expect(picture).toMatchObject({
      concepts: [cat, { id: 'dog', name: 'Dog' }],
      metadata: { n: 0, list: [true, null, 'é'] },
      geo: { geoPoint: { latitude: -12.5 } },
      image: { imageInfo: { width: WIDTH, height: HEIGHT, format: 'png' } },
    });
    const regions = picture['regions'] as {
      id: string;
      regionInfo: Record<string, Record<string, unknown>>;
      data: { concepts?: unknown };
    }[];
    expect(regions.map(({ id }) => id)).toEqual(annotations.map(({ id }) => id));
    const [box, outline, holes, raster, point] = regions;
    expect(box).toMatchObject({ trackId: 't', value: 0.5, data: { text: { raw: 'STOP' } } });
    expect(box!.regionInfo['boundingBox']).toEqual({
      leftCol: 0.25,
      bottomRow: expect.closeTo(1 / 3, 6) as number,
      rightCol: 1,
    });
    expect(box!.data.concepts).toEqual([cat, { id: 'dog', name: 'Dog' }]);
    expect(outline!.regionInfo['polygon']).toEqual({
      points: [
        { visibility: 'VISIBLE' },
        { col: 0.5, visibility: 'VISIBLE' },
        { row: 0.75, col: 0.5, visibility: 'VISIBLE' },
      ],
    });
    const pixels = async ({ regionInfo }: (typeof regions)[number]) =>
      [...(await png((regionInfo['mask']!['image'] as { base64: string }).base64))].map((value) =>
        value > 0 ? 1 : 0,
      );
    expect(await pixels(holes!)).toEqual([...decodeMask(maskOfPolygon(holed, WIDTH, HEIGHT))]);
    expect(await pixels(raster!)).toEqual([...decodeMask(mask)]);
    expect(point!.regionInfo['point']).toEqual({ row: 1, visibility: 'NOT_VISIBLE' });
  });

  it('exports an archive of hosted media with its own Dataset.export', async () => {
    const dir = await tempFolder();
    const held = await dataset();
    const served = new Map(
      held.map(({ sha256, content }) => [`/orig/${sha256!.slice(0, 2)}/${sha256}`, content]),
    );
    const server = await serve((request, response) => {
      const content = served.get(request.url!) as Buffer | undefined;
      response.writeHead(content === undefined ? 404 : 200).end(content);
    });
    const [archive, out] = [join(dir, 'archive.zip'), join(dir, 'out.zip')];
    const options = { media: 'hosted', hostedPrefix: server.origin };
    await attempt(exporter, memorySource(held), archive, options);
    const files = await python<Record<string, unknown>>(EXPORT, { archive, out });
    expect(Object.keys(files).sort()).toEqual([
      'train/annotations/picture 猫.json',
      'train/annotations/words.json',
      'train/inputs/clip.mp4',
      'train/inputs/photo.png',
      'train/inputs/picture 猫.png',
      'train/inputs/sound.mp3',
      'train/inputs/words.txt',
    ]);
    const contentOf = (id: string) =>
      (held.find((each) => each.id === id)!.content as Buffer).toString('hex');
    expect(files['train/inputs/picture 猫.png']).toEqual([WIDTH, HEIGHT, 10, 200, 30]);
    expect((files['train/inputs/photo.png'] as number[]).slice(0, 2)).toEqual([WIDTH, HEIGHT]);
    for (const [name, id] of [
      ['clip.mp4', 'clip'],
      ['sound.mp3', 'sound'],
      ['words.txt', 'words'],
    ] as const)
      expect(files[`train/inputs/${name}`]).toBe(contentOf(id));
    const labels = files['train/annotations/picture 猫.json'] as Record<string, unknown>[];
    expect(labels[0]).toMatchObject({ metadata: { n: 0 } });
    expect(labels.slice(1, -2).map(({ id }) => id)).toEqual(annotations.map(({ id }) => id));
    expect(labels[1]).toMatchObject({
      regionInfo: { boundingBox: { topRow: 0, leftCol: 0.25, rightCol: 1 } },
    });
    expect(labels.slice(-2)).toEqual([cat, { id: 'dog', name: 'Dog' }]);
  });
});
