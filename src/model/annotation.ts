import type { Code } from './codes.ts';
import type { Concept, Geo, Metadata } from './labels.ts';

/**
 * Geometry is in the oriented image (EXIF orientation applied) and normalised: 0,0 is the top left corner and 1,1 the
 * bottom right one, so a pixel coordinate is divided by the width or height in pixels.
 */
export interface Box {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** x to the right, y downward. */
export type Position = [x: number, y: number];

/**
 * One object of one or more parts, as in GeoJSON's MultiPolygon: `parts[i][0]` is the outer ring of part i, the other
 * rings are its holes. A ring is not closed by repeating its first point and has at least three points.
 */
export type Polygon = Position[][][];

/**
 * A raster mask as COCO's compressed run-length encoding. `size` is [height, width] in pixels of the oriented image;
 * `counts` are column-major runs that begin with zeros (pycocotools, `common/maskApi.c`).
 */
export interface Mask {
  size: [height: number, width: number];
  counts: string;
}

/** Of the platform's `Point.Visibility`. */
export const VISIBILITIES = ['visible', 'not_visible', 'not_present'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export interface Point {
  x: number;
  y: number;
  z?: number;
  visibility?: Visibility;
  /** Of a key point: `left_eye`. */
  name?: string;
}

/**
 * One object's place in the image. The platform's `RegionInfo` is no oneof: a box, an outline and key points may
 * describe the same object together; at least one of them is there.
 */
export interface Region {
  box?: Box;
  polygon?: Polygon;
  mask?: Mask;
  point?: Point;
  keypoints?: Point[];
}

/** Characters of a text, as UTF-16 code units: `start` included, `end` not. */
export interface Span {
  start: number;
  end: number;
  text?: string;
}

/** One frame of a video by its presentation time in milliseconds; `index` counts from 0 in presentation order. */
export interface FrameAt {
  timeMs: number;
  index?: number;
}

/** Milliseconds from the start of a video or sound. */
export interface Segment {
  beginMs: number;
  endMs: number;
}

/** The platform's annotation statuses, in lower case and without their prefix. */
export const ANNOTATION_STATUSES = [
  'success',
  'pending',
  'awaiting_review',
  'awaiting_consensus_review',
  'review_denied',
  'failed',
] as const;
export type AnnotationStatus = (typeof ANNOTATION_STATUSES)[number];

/** What annotations can be about beside a whole input, in the order in which they are shown. */
export const ANNOTATED_PARTS = [
  'box',
  'polygon',
  'mask',
  'point',
  'keypoints',
  'span',
  'frame',
  'segment',
] as const;
export type AnnotatedPart = (typeof ANNOTATED_PARTS)[number];

/**
 * Concepts about an input, or about one region, span, frame or segment of it: at most one of each, and a frame may
 * have a region (the platform's `Annotation`).
 */
export interface Annotation {
  /** Unique within its input. */
  id: string;
  concepts: Concept[];
  region?: Region;
  span?: Span;
  frame?: FrameAt;
  segment?: Segment;
  /** The same object across frames. */
  trackId?: string;
  /** Text that is seen in the region. */
  text?: string;
  geo?: Geo;
  metadata?: Metadata;
  /** Any JSON of the user's (`annotation_info`); also what a format says beyond the model, under the format's name. */
  info?: Metadata;
  /** Confidence of a prediction, 0–1. */
  score?: number;
  status?: AnnotationStatus;
  /** Who annotated (`user_id`). */
  annotator?: string;
  /** ISO 8601, UTC. */
  createdAt?: string;
  modifiedAt?: string;
}

/** An annotation as a label source gives it: geometry not checked yet, in pixels or normalised; an id if it has one. */
export interface AnnotationDraft extends Omit<Annotation, 'id'> {
  id?: string;
  /** Where it stands, to show: `instances.json#annotations/77`. */
  ref: string;
  /** Of the region's coordinates; masks are always in pixels. */
  unit: 'pixels' | 'normalised';
}

/** An annotation that cannot be used. It does not reject its input. */
export interface AnnotationProblem {
  ref: string;
  code: Code;
  message: string;
  measured?: number | string;
  limit?: number | string;
}

export type AnnotationEntry = AnnotationDraft | AnnotationProblem;

export const isProblem = (entry: AnnotationEntry): entry is AnnotationProblem => 'code' in entry;

/** A concept as a label source declares it; kept for formats that need more than an id, such as COCO's categories. */
export interface ConceptDefinition {
  id: string;
  name: string;
  supercategory?: string;
  /** Its number in the source; may be 0, need not be dense. */
  sourceId?: number;
  keypoints?: string[];
  /** Pairs of key points, counted from 1, as COCO has them. */
  skeleton?: [number, number][];
  /** Red, green, blue, 0–255. */
  color?: [number, number, number];
}
