import type { Annotation } from './annotation.ts';
import type { Kind } from './kind.ts';
import type { Concept, Geo } from './labels.ts';
import type { VectorPart } from './vector-index.ts';

export const METRICS = ['cosine', 'euclidean'] as const;
export type Metric = (typeof METRICS)[number];

/**
 * Which inputs a search looks at, as a tree: the leaves are the platform's filters, the branches its AND, OR and
 * negation.
 */
export type SearchFilter =
  | { all: SearchFilter[] }
  | { any: SearchFilter[] }
  | { not: SearchFilter }
  | { kind: Kind }
  | { dataset: string }
  | { split: string }
  /** Of the input or one of its annotations; with regions as hits, of the input or the region. Present unless `value` is 0. */
  | { concept: string; value?: 0 | 1 }
  /** The value at a path such as `camera.iso`, or one of a list there; as a list the path's keys may hold periods. */
  | { metadata: string | string[]; equals: unknown }
  | { geo: Geo & { radiusKm: number } }
  /** `west` may be greater than `east`: then the box crosses the 180th meridian. */
  | { geoBox: { south: number; west: number; north: number; east: number } };

/** What is compared with a query: whole inputs, of videos their frames, or regions of images. */
export type HitParts = 'inputs' | 'regions';

/** A vector that was found and whose input is as it was when it was embedded. */
export interface Found {
  inputId: string;
  kind: Kind;
  uri: string;
  datasets: string[];
  concepts: Concept[];
  part: VectorPart;
  /** Of a frame. */
  timeMs?: number;
  /** Of a region: the annotation whose box it is. */
  annotation?: Annotation;
  /** Cosine distance (1 − cosine), or euclidean distance. */
  distance: number;
}

/** The greater the nearer: the cosine, or 1 for equal vectors falling to 0 with the euclidean distance. */
export const scoreOf = (metric: Metric, distance: number): number =>
  metric === 'cosine' ? 1 - distance : 1 / (1 + distance);
