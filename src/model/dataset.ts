import { ANNOTATED_PARTS, type AnnotationStatus } from './annotation.ts';
import type { Kind } from './kind.ts';
import type { Metadata } from './labels.ts';

/** What an annotation is, by what it has beside concepts; `concepts` when it has nothing else. */
export const ANNOTATION_KINDS = ['concepts', ...ANNOTATED_PARTS] as const;
export type AnnotationKind = (typeof ANNOTATION_KINDS)[number];

/**
 * Which annotations a version takes; an annotation must meet every field that is given. A filter never removes inputs, and
 * never their own concepts.
 */
export interface AnnotationFilter {
  /** It has one of these concepts, present or negative. */
  concepts?: string[];
  annotators?: string[];
  /** Unless given, all but `failed` and `review_denied` (24152, 24158: rejected ones stay out of a version). */
  statuses?: AnnotationStatus[];
  /** ISO 8601; of `modifiedAt`, else `createdAt`. An annotation without a time does not meet them. */
  after?: string;
  before?: string;
  /** It has one of these. */
  kinds?: AnnotationKind[];
}

/** A filter under a name, for all datasets of a store. */
export interface StoredFilter {
  id: string;
  filter: AnnotationFilter;
  createdAt: string;
  modifiedAt: string;
}

/** Counts of a version, with the field names of the platform's `DatasetVersionMetrics` in camel case. */
export interface VersionMetrics {
  inputsCount: number;
  unlabeledInputsCount: number;
  inputsWithMetadataCount: number;
  inputsWithGeoCount: number;
  regionsCount: number;
  boundingBoxesCount: number;
  polygonsCount: number;
  pointsCount: number;
  masksCount: number;
  framesCount: number;
  embeddingsCount: number;
  positiveInputTagsCount: number;
  positiveRegionTagsCount: number;
  positiveFrameTagsCount: number;
  regionInputsCount: number;
  regionFramesCount: number;
  frameInputsCount: number;
}

/** An immutable snapshot of a dataset: its inputs and the annotations that the filter lets through. */
export interface DatasetVersion {
  dataset: string;
  /** Unique within the dataset. */
  id: string;
  /** These three can be changed later, the content never. */
  name?: string;
  description?: string;
  metadata: Metadata;
  createdAt: string;
  /** As it was when the version was made, and the name under which it was stored. */
  filter?: AnnotationFilter;
  filterId?: string;
  /** SHA-256 over ids, content hashes, labels and annotations in the order of ids: equal for equal content. */
  contentHash: string;
  metrics: VersionMetrics;
  inputsByKind: Partial<Record<Kind, number>>;
  inputsBySplit: Record<string, number>;
  /** Concepts of inputs and of annotations, by id. */
  concepts: Record<string, { name: string; positive: number; negative: number; regions: number }>;
  /** Of all media, in bytes; equal bytes of two inputs count twice. */
  bytes: number;
  /** Annotations that the filter, or their status, kept out. */
  annotationsLeftOut: number;
}

/** How a dataset can be changed beside its members. */
export interface DatasetInfo {
  id: string;
  description?: string;
  metadata: Metadata;
  /** Of the annotation filter that versions take when none is named. */
  defaultFilterId?: string;
  createdAt: string;
  modifiedAt: string;
}

/** `name@version`, or a `name` alone; the last @ divides, so that names of versions have none. */
export function parseDatasetReference(text: string): { dataset: string; version?: string } {
  const at = text.lastIndexOf('@');
  return at <= 0 ? { dataset: text } : { dataset: text.slice(0, at), version: text.slice(at + 1) };
}
