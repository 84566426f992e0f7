import type { Region } from '../model/annotation.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import { checkMask } from './check-mask.ts';
import { checkBox, checkKeypoints, checkPoint, checkPolygon, type Placement } from './geometry.ts';
import { type LabelledFrame, placeIn } from './labelled-frame.ts';

export interface CheckedRegion {
  region: Region;
  /** Something was cut at the edge of the image. */
  clamped: boolean;
  /** It was not drawn on the oriented image as it is. */
  moved: boolean;
}

/** `frame` is asked for only where there are coordinates to place: a mask brings its own. */
export function checkRegion(
  { box, polygon, mask, point, keypoints }: Region,
  unit: 'pixels' | 'normalised',
  media: MediaInfo,
  frame: () => LabelledFrame,
): CheckedRegion {
  const region: Region = {};
  const placement: Placement = { place: (x, y) => [x, y], clamped: false };
  let moved = false;
  if ((box ?? polygon ?? point ?? keypoints) !== undefined) {
    placement.place = placeIn(frame(), unit);
    moved = frame().differs;
  }
  if (box !== undefined) region.box = checkBox(box, placement);
  if (polygon !== undefined) region.polygon = checkPolygon(polygon, placement);
  if (mask !== undefined) {
    const checked = checkMask(mask, media);
    region.mask = checked.mask;
    moved ||= checked.turned;
  }
  if (point !== undefined) region.point = checkPoint(point, placement);
  if (keypoints !== undefined) region.keypoints = checkKeypoints(keypoints, placement);
  if (Object.keys(region).length === 0) {
    throw new RejectedItemError(
      'ANNOTATION_INVALID_ARGUMENT',
      'region: has none of box, polygon, mask, point and keypoints',
    );
  }
  return { region, clamped: placement.clamped, moved };
}
