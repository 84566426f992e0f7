import type { Annotation, Point, Polygon, Region } from '../../model/annotation.ts';
import { type ClassColours, classOf } from './colours.ts';
import { type Content, type Html, html, shortened } from './html.ts';
import type { Picture } from './pictures.ts';

/** Regions drawn on one picture; on a small one more are a tangle. */
export const MAX_REGIONS = 60;
/** Points drawn of one ring; a small picture shows no more. */
const MAX_RING_POINTS = 240;

/**
 * Regions over a picture. The drawing's coordinates are those of the annotations, 0–1 both ways, stretched over the
 * picture; strokes do not stretch, and a point is a line of no length with round ends.
 */
export function overlay(
  annotations: readonly Annotation[],
  colours: ClassColours,
  masks: Picture | undefined,
): Html | undefined {
  const drawn = annotations.filter(({ region }) => region !== undefined).slice(0, MAX_REGIONS);
  if (drawn.length === 0) return undefined;
  const shapes = drawn.map((annotation) => shape(annotation, annotation.region!, colours.of(annotation)));
  return html`${masks && html`<img class="mask" src="${masks.uri}" alt="">`}<svg class="overlay" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">${shapes}</svg>`;
}

function shape(annotation: Annotation, region: Region, colour: string): Html {
  const { box, polygon, point, keypoints } = region;
  const parts: Content[] = [
    polygon && html`<path class="area" d="${polygonPath(polygon)}"/>`,
    box &&
      html`<rect x="${round(box.left)}" y="${round(box.top)}" width="${round(box.right - box.left)}" height="${round(box.bottom - box.top)}"/>`,
    point && dots([point]),
    keypoints && dots(keypoints),
  ];
  const name = shortened(classOf(annotation)?.name ?? 'no concept', 60);
  return html`<g style="color:${colour}"><title>${name}</title>${parts}</g>`;
}

/** Holes need the even-odd rule, which the style sheet gives. */
const polygonPath = (polygon: Polygon): string => polygon.flat().map(ringPath).join('');

function ringPath(ring: Polygon[number][number]): string {
  const every = Math.ceil(ring.length / MAX_RING_POINTS);
  const points = ring.filter((_, i) => i % every === 0);
  return `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}Z`;
}

function dots(points: readonly Point[]): Html {
  const path = (of: readonly Point[]) => of.map(({ x, y }) => `M${round(x)} ${round(y)}h0`).join('');
  const present = points.filter(({ visibility }) => visibility !== 'not_present').slice(0, MAX_RING_POINTS);
  const hidden = present.filter(({ visibility }) => visibility === 'not_visible');
  const seen = present.filter(({ visibility }) => visibility !== 'not_visible');
  return html`${seen.length > 0 ? html`<path class="dot" d="${path(seen)}"/>` : undefined}${
    hidden.length > 0 ? html`<path class="dot hidden" d="${path(hidden)}"/>` : undefined
  }`;
}

/** Four decimals: a thirtieth of a pixel of the picture. */
const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/** What a tile is said to show, for those who do not see it. */
export function described(annotations: readonly Annotation[]): string {
  const regions = annotations.filter(({ region }) => region !== undefined);
  if (regions.length === 0) return '';
  const counts = new Map<string, number>();
  for (const annotation of regions) {
    const name = shortened(classOf(annotation)?.name ?? 'region', 40);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .slice(0, 10)
    .map(([name, count]) => `${count} × ${name}`)
    .join(', ');
}
