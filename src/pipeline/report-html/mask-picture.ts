import { parseRuns } from '../../annotations/runs.ts';
import { loadSharp } from '../../media/native.ts';
import type { Annotation, Mask } from '../../model/annotation.ts';
import type { ClassColours } from './colours.ts';
import { MAX_REGIONS } from './overlay.ts';
import { dataUri, type Picture } from './pictures.ts';

/** Of 255: what is masked stays recognisable. */
const INSIDE = 110;
const EDGE = 255;

/** All masks of a picture as one, each in the colour of its class with a firm edge; undefined without masks. */
export async function maskPicture(
  annotations: readonly Annotation[],
  { width, height }: Picture,
  colours: ClassColours,
): Promise<Picture | undefined> {
  const masked = annotations.slice(0, MAX_REGIONS).filter(({ region }) => region?.mask !== undefined);
  if (masked.length === 0) return undefined;
  const pixels = Buffer.alloc(width * height * 4);
  for (const annotation of masked) {
    const inside = scaledMask(annotation.region!.mask!, width, height);
    paint(pixels, inside, width, height, colours.of(annotation));
  }
  const sharp = await loadSharp();
  const image = sharp(pixels, { raw: { width, height, channels: 4 } });
  return { uri: dataUri('image/webp', await image.webp({ lossless: true }).toBuffer()), width, height };
}

/** Row-major, 1 inside: each pixel is the one of the mask under its centre. */
function scaledMask(
  { size: [maskHeight, maskWidth], counts }: Mask,
  width: number,
  height: number,
): Uint8Array {
  const scaled = new Uint8Array(width * height);
  const runs = parseRuns(counts);
  let run = 0;
  let end = runs[0] ?? 0;
  for (let x = 0; x < width; x++) {
    const column = Math.floor(((x + 0.5) * maskWidth) / width);
    for (let y = 0; y < height; y++) {
      const at = column * maskHeight + Math.floor(((y + 0.5) * maskHeight) / height);
      while (at >= end && run < runs.length) end += runs[++run] ?? 0;
      if (run % 2 === 1 && run < runs.length) scaled[y * width + x] = 1;
    }
  }
  return scaled;
}

function paint(pixels: Buffer, inside: Uint8Array, width: number, height: number, colour: string): void {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const is = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && inside[y * width + x] === 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!is(x, y)) continue;
      const within = is(x - 1, y) && is(x + 1, y) && is(x, y - 1) && is(x, y + 1);
      pixels.set([red!, green!, blue!, within ? INSIDE : EDGE], (y * width + x) * 4);
    }
  }
}
