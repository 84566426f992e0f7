import { once } from 'node:events';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

export const BOXES_AN_IMAGE = 50;
export const WIDTH = 640;
export const HEIGHT = 480;

export type Order = 'by image' | 'scattered';

/** Of the image number `i`. */
export const imageName = (i: number): string => `${String(i).padStart(12, '0')}.jpg`;

/**
 * Writes a folder as COCO has it: `images/train/`, JPEGs of one colour, and `annotations/instances_train.json`, 50 boxes
 * an image, each with an outline of 8 points, in the order of the images (as most tools write them) or scattered over
 * the file (as COCO itself is). Gives the path of the JSON.
 */
export async function writeCoco(folder: string, boxes: number, order: Order): Promise<string> {
  const images = boxes / BOXES_AN_IMAGE;
  await writeImages(join(folder, 'images', 'train'), images);
  mkdirSync(join(folder, 'annotations'));
  const file = join(folder, 'annotations', 'instances_train.json');
  const out = createWriteStream(file);
  const categories = Array.from({ length: 80 }, (_, i) => ({
    id: i + 1,
    name: `class ${i}`,
    supercategory: '',
  }));
  const list = Array.from({ length: images }, (_, i) => ({
    id: i + 1,
    width: WIDTH,
    height: HEIGHT,
    file_name: imageName(i),
    license: 1,
    date_captured: '2013-11-14 17:02:52',
  }));
  out.write(`{"info": {}, "licenses": [], "images": ${JSON.stringify(list)}, "annotations": [\n`);
  for (let id = 1; id <= boxes; ) {
    let block = '';
    for (let i = 0; i < 1000 && id <= boxes; i++, id++) {
      const image = order === 'scattered' ? ((id - 1) % images) + 1 : Math.ceil(id / BOXES_AN_IMAGE);
      block += `${JSON.stringify(annotation(id, image))}${id === boxes ? '' : ', '}`;
    }
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end(`], "categories": ${JSON.stringify(categories)}}`);
  await once(out, 'finish');
  return file;
}

async function writeImages(folder: string, count: number): Promise<void> {
  const background = '#808080';
  const jpeg = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background } })
    .jpeg()
    .toBuffer();
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(join(folder, imageName(i)), jpeg);
}

function annotation(id: number, image: number): object {
  const left = (id * 37.31) % 400;
  const top = (id * 17.17) % 300;
  const width = 20 + (id % 200);
  const height = 20 + (id % 150);
  const outline = Array.from({ length: 8 }, (_, i) => {
    const angle = (i / 8) * 2 * Math.PI;
    return [
      cents(left + (width / 2) * (1 + Math.cos(angle))),
      cents(top + (height / 2) * (1 + Math.sin(angle))),
    ];
  });
  return {
    segmentation: [outline.flat()],
    area: cents(width * height * 0.7),
    iscrowd: 0,
    image_id: image,
    bbox: [cents(left), cents(top), width, height],
    category_id: (id % 80) + 1,
    id,
  };
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}
