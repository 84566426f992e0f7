import { maskOfRuns } from '../annotations/mask.ts';
import { runsByValue } from '../annotations/value-runs.ts';
import { readMaskImage } from '../media/mask-image.ts';
import type { Mask, Point, Position, Region, Span, Visibility } from '../model/annotation.ts';
import { RejectedItemError } from '../model/errors.ts';
import { FieldError, type Fields } from './clarifai-json-fields.ts';

/** `Point.Visibility`; 0 says that it is not set. */
const VISIBILITIES = new Map<unknown, Visibility>([
  ['VISIBLE', 'visible'],
  [1, 'visible'],
  ['NOT_VISIBLE', 'not_visible'],
  [2, 'not_visible'],
  ['NOT_PRESENT', 'not_present'],
  [3, 'not_present'],
]);

/** The place that a `RegionInfo` states, in the image or in the text. */
export interface Placed {
  region?: Region;
  span?: Span;
}

/**
 * Reads a `RegionInfo`, whose coordinates are normalised already. `keypointNames` are those of its concept. Throws
 * FieldError, and RejectedItemError MASK_INVALID.
 */
export async function readRegionInfo(
  info: Fields,
  keypointNames: readonly string[],
  signal: AbortSignal,
): Promise<Placed> {
  const region: Region = {};
  const box = info.message('boundingBox');
  if (box !== undefined) {
    region.box = {
      top: box.number('topRow'),
      left: box.number('leftCol'),
      bottom: box.number('bottomRow'),
      right: box.number('rightCol'),
    };
  }
  const polygon = info.message('polygon');
  if (polygon !== undefined) {
    const ring = polygon
      .messages('points')
      .map((point): Position => [point.number('col'), point.number('row')]);
    region.polygon = [[ring]];
  }
  const mask = info.message('mask');
  if (mask !== undefined) region.mask = await readMask(mask, signal);
  const point = info.message('point');
  if (point !== undefined) region.point = readPoint(point);
  const keypoints = info.messages('keypointLocations');
  if (keypoints.length > 0) region.keypoints = keypoints.map((each, i) => readPoint(each, keypointNames[i]));
  const span = readSpan(info.message('span') ?? info.message('token'));
  const hasRegion = Object.keys(region).length > 0;
  if (!hasRegion && span === undefined)
    throw new FieldError(
      `${info.pathOf('boundingBox')}: the region has no box, polygon, mask, point or span`,
    );
  return { ...(hasRegion ? { region } : {}), ...(span === undefined ? {} : { span }) };
}

function readPoint(point: Fields, name?: string): Point {
  const visibility = point.oneOf('visibility', VISIBILITIES);
  const z = point.number('z');
  return {
    x: point.number('col'),
    y: point.number('row'),
    ...(z === 0 ? {} : { z }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(name === undefined || name === '' ? {} : { name }),
  };
}

function readSpan(span: Fields | undefined): Span | undefined {
  if (span === undefined) return undefined;
  const text = span.string('rawText');
  return { start: span.number('charStart'), end: span.number('charEnd'), ...(text === '' ? {} : { text }) };
}

/** Every pixel that is not black belongs to the region. */
async function readMask(mask: Fields, signal: AbortSignal): Promise<Mask> {
  const base64 = mask.message('image')?.string('base64') ?? '';
  if (base64 === '') {
    const message = `${mask.pathOf('image')}.base64: the mask has no bytes here; one behind a URL is not fetched`;
    throw new RejectedItemError('MASK_INVALID', message);
  }
  const { width, height, values } = await readMaskImage(Buffer.from(base64, 'base64'), 'colours', signal);
  for (let i = 0; i < values.length; i++) values[i] = values[i] === 0 ? 0 : 1;
  const ones = runsByValue(values, (value) => value === 1).find(({ value }) => value === 1);
  return maskOfRuns(ones?.runs ?? Uint32Array.of(values.length), width, height);
}
