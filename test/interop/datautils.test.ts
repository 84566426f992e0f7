import { createHash } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { protobuf } from '../../src/exporters/protobuf.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import { serve } from '../support/http-server.ts';
import { attempt, type Held, memorySource } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';

const exporter = protobuf as unknown as ExporterComponent<never>;

const cat = { id: 'cat', name: 'Cat', value: 1 };
const dog = { id: 'dog', name: 'Dog 犬', value: 1 };

const boxed = (
  id: string,
  concept: typeof cat,
  left: number,
  top: number,
  right: number,
  bottom: number,
) => ({
  id,
  concepts: [concept],
  region: { box: { left, top, right, bottom } },
});

async function picture(
  id: string,
  [width, height]: [number, number],
  background: string,
  format: 'png' | 'jpeg',
  rest: Partial<Held>,
): Promise<Held> {
  const image = sharp({ create: { width, height, channels: 3, background } });
  const content = await image.toFormat(format).toBuffer();
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { id, content, sha256, media: { format, width, height }, ...rest };
}

/** The importer reads boxes alone, fails on one without a concept, and refuses folders with anything but images. */
async function pictures(): Promise<Held[]> {
  const outline: Annotation = {
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
  };
  return [
    await picture('two boxes', [10, 6], '#0ac81e', 'png', {
      concepts: [cat],
      metadata: { taken: 'in spring' },
      annotations: [boxed('a', cat, 0, 0, 0.5, 1), outline, boxed('b', dog, 0.25, 0.125, 1, 0.75)],
    }),
    await picture('photo 猫', [16, 8], '#c80a1e', 'jpeg', {
      annotations: [boxed('c', dog, 0.5, 0.25, 0.75, 0.5)],
    }),
    await picture('concept alone', [4, 4], '#0a1ec8', 'png', { concepts: [cat, { ...dog, value: 0 }] }),
    await picture('nothing', [5, 3], '#000000', 'jpeg', {}),
  ];
}

const EXPORT = `
import zipfile
from clarifai.client.dataset import Dataset
dataset = Dataset(dataset_id="d", user_id="u", app_id="a", pat="none", base_url="http://127.0.0.1:9")
dataset.export(data["out"], local_archive_path=data["archive"], split="all")
with zipfile.ZipFile(data["out"]) as archive:
    archive.extractall(data["folder"])
    result = sorted(archive.namelist())
`;

const IMPORT = `
from clarifai_datautils.image import ImageAnnotations
from datumaro.components.annotation import AnnotationType
imported = ImageAnnotations.import_from(path=data["folder"], format="clarifai")
names = [label.name for label in imported._dataset.categories()[AnnotationType.label]]
result = {
    "task": imported.task,
    "size": imported.get_info()["size"],
    "items": {
        item.id: {
            "size": [item.media.size[1], item.media.size[0]],
            # As OpenCV has it: blue, green, red.
            "pixel": [int(value) for value in item.media.data[0, 0][::-1]],
            "boxes": [[names[each.label], *each.get_bbox()] for each in item.annotations],
        }
        for item in imported._dataset
    },
}
`;

interface Imported {
  task: string;
  size: number;
  items: Record<string, { size: [number, number]; pixel: number[]; boxes: [string, ...number[]][] }>;
}

describePython('clarifai', 'the folder of Dataset.export', (sdk) => {
  describePython('datautils', 'as Clarifai Data Utils imports it', (datautils) => {
    it('has the same images, boxes and concepts', async () => {
      const dir = await tempFolder();
      const held = await pictures();
      const served = new Map(
        held.map(({ sha256, content }) => [`/orig/${sha256!.slice(0, 2)}/${sha256}`, content as Buffer]),
      );
      const server = await serve((request, response) => {
        const content = served.get(request.url!);
        response.writeHead(content === undefined ? 404 : 200).end(content);
      });
      const [archive, out] = [join(dir, 'archive.zip'), join(dir, 'out.zip')];
      await attempt(exporter, memorySource(held), archive, {
        media: 'hosted',
        hostedPrefix: server.origin,
      });
      const files = await sdk<string[]>(EXPORT, { archive, out, folder: dir });
      expect(files.filter((name) => name.startsWith('all/inputs/'))).toHaveLength(held.length);

      const { task, size, items } = await datautils<Imported>(IMPORT, { folder: join(dir, 'all') });
      expect([task, size]).toEqual(['visual_detection', held.length]);
      expect(Object.keys(items).sort()).toEqual(held.map(({ id }) => id).sort());
      for (const { id, media, annotations = [] } of held) {
        const { width, height } = media as { width: number; height: number };
        const boxes = annotations.flatMap(({ concepts, region }) => {
          const box = region?.box;
          return box === undefined
            ? []
            : [
                [
                  concepts[0]!.name,
                  box.left * width,
                  box.top * height,
                  (box.right - box.left) * width,
                  (box.bottom - box.top) * height,
                ],
              ];
        });
        expect(items[id]).toMatchObject({ size: [width, height], boxes });
      }
      expect(items['two boxes']!.pixel).toEqual([10, 200, 30]);
    });
  });
});
