import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkAnnotations } from '../../src/annotations/check.ts';
import { decodeMask, encodeMask } from '../../src/annotations/mask.ts';
import { turnBitmap, turnPosition } from '../../src/annotations/orientation.ts';
import type { AnnotationDraft, Box, Region } from '../../src/model/annotation.ts';

/** Of the stored pixels. */
const [WIDTH, HEIGHT] = [12, 8];
const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8];

/** Boxes in pixels of the stored image, at its corners and inside. */
const BOXES = {
  'top left': { top: 0, left: 0, bottom: 2, right: 3 },
  'top right': { top: 0, left: 10, bottom: 3, right: 12 },
  'bottom left': { top: 7, left: 0, bottom: 8, right: 4 },
  'bottom right': { top: 4, left: 11, bottom: 8, right: 12 },
  inside: { top: 2, left: 5, bottom: 3, right: 9 },
} satisfies Record<string, Box>;

/** The stored pixels with a box in white. */
function storedPixels({ top, left, bottom, right }: Box): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let y = top; y < bottom; y++) pixels.fill(255, y * WIDTH + left, y * WIDTH + right);
  return pixels;
}

/** What libvips shows of an image file with that orientation, as a bitmap of 0 and 1. */
async function upright(pixels: Uint8Array, orientation: number) {
  const file = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .png()
    .withMetadata({ orientation })
    .toBuffer();
  const { data, info } = await sharp(file).autoOrient().extractChannel(0).raw().toBuffer({
    resolveWithObject: true,
  });
  return { bitmap: data.map((value) => (value > 127 ? 1 : 0)), width: info.width, height: info.height };
}

/** The pixels of a normalised box. */
function boxPixels({ top, left, bottom, right }: Box, width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height);
  const whole = (value: number) => {
    expect(value).toBeCloseTo(Math.round(value), 9);
    return Math.round(value);
  };
  for (let y = whole(top * height); y < whole(bottom * height); y++) {
    pixels.fill(1, y * width + whole(left * width), y * width + whole(right * width));
  }
  return pixels;
}

const corners = ({ top, left, bottom, right }: Box): [number, number][] => [
  [left, top],
  [right, top],
  [right, bottom],
  [left, bottom],
];

/** The box around normalised positions. */
function around(positions: readonly (readonly [number, number])[]): Box {
  const [xs, ys] = [positions.map(([x]) => x), positions.map(([, y]) => y)];
  return { top: Math.min(...ys), left: Math.min(...xs), bottom: Math.max(...ys), right: Math.max(...xs) };
}

describe.each(ORIENTATIONS)('EXIF orientation %i', (orientation) => {
  it.each(Object.entries(BOXES))('turns a box and a mask %s as the image is turned', async (_, box) => {
    const pixels = storedPixels(box);
    const { bitmap, width, height } = await upright(pixels, orientation);
    const turned = around(corners(box).map(([x, y]) => turnPosition(x / WIDTH, y / HEIGHT, orientation)));
    expect(Buffer.from(bitmap).equals(boxPixels(turned, width, height))).toBe(true);
    const ones = pixels.map((value) => value & 1);
    expect(Buffer.from(bitmap).equals(turnBitmap(ones, WIDTH, HEIGHT, orientation))).toBe(true);
  });

  it.each(Object.entries(BOXES))('puts labels of the stored pixels where they belong: %s', async (_, box) => {
    const pixels = storedPixels(box);
    const { bitmap, width, height } = await upright(pixels, orientation);
    const swapped = orientation >= 5;
    // Where width and height are not swapped, the size does not tell: labels are then of the upright image.
    const drawn = swapped ? box : around(corners(box).map(([x, y]) => toUprightPixels(x, y, orientation)));
    const maskPixels = swapped ? pixels : bitmap;
    const region: Region = {
      box: drawn,
      polygon: [[corners(drawn)]],
      mask: encodeMask(maskPixels, WIDTH, HEIGHT),
      point: { x: drawn.left, y: drawn.top },
      keypoints: corners(drawn).map(([x, y]) => ({ x, y })),
    };
    const draft: AnnotationDraft = { ref: 'labels.json#0', unit: 'pixels', concepts: [], region };
    const { annotations, problems, warnings } = checkAnnotations([draft], {
      inputId: 'a',
      kind: 'image',
      media: { format: 'jpeg', width, height, orientation },
      labelledSize: { width: WIDTH, height: HEIGHT },
    });
    expect(problems).toEqual([]);
    expect(warnings).toEqual(swapped ? ['LABELLED_SIZE_DIFFERS'] : []);
    const placed = annotations[0]!.region!;
    expect(Buffer.from(bitmap).equals(boxPixels(placed.box!, width, height))).toBe(true);
    expect(around(placed.polygon![0]![0]!)).toEqual(placed.box);
    expect(around(placed.keypoints!.map(({ x, y }) => [x, y] as const))).toEqual(placed.box);
    expect(placed.keypoints![0]).toEqual(placed.point);
    expect(placed.mask!.size).toEqual([height, width]);
    expect(Buffer.from(bitmap).equals(decodeMask(placed.mask!))).toBe(true);
  });
});

function toUprightPixels(x: number, y: number, orientation: number): [number, number] {
  const [uprightX, uprightY] = turnPosition(x / WIDTH, y / HEIGHT, orientation);
  return [uprightX * WIDTH, uprightY * HEIGHT];
}
