import type { Annotation } from '../../model/annotation.ts';
import type { AnnotationKind } from '../../model/dataset.ts';
import type { Input } from '../../model/input.ts';
import { hasFile, type Row } from './columns.ts';

/** What a row takes beside its texts and media, in bytes; about. */
const ROW_BYTES = 100;

/** Media of an input as its row has it: the bytes themselves, or where they lie beside the table. */
export interface MediaCell {
  bytes: Buffer | null;
  path: string;
}

/** An input as a row of `inputColumns`. Versions know no times of inputs, so those are null. */
export function inputRow(input: Input, media: MediaCell | undefined): Row {
  const { id, kind, uri, split, text, concepts, metadata, geo, sha256, bytes } = input;
  return {
    input_id: id,
    kind,
    uri,
    split: split ?? null,
    [`${kind}_url`]: isUrl(uri) ? uri : media?.bytes === null ? media.path : null,
    [`${kind}_info`]: JSON.stringify(input.media),
    ...(hasFile(kind) && media !== undefined ? { [kind]: media } : {}),
    text: text ?? null,
    concepts,
    metadata: JSON.stringify(metadata),
    geopoints: geo ?? null,
    sha256,
    bytes,
    input_created_at: timeOf(input.createdAt),
    input_modified_at: timeOf(input.modifiedAt),
  };
}

/** An annotation as a row of `ANNOTATION_COLUMNS`: whole as JSON, and what queries ask for beside it. */
export function annotationRow(inputId: string, annotation: Annotation): Row {
  const { id, concepts, annotator, createdAt, modifiedAt } = annotation;
  return {
    annotation_id: id,
    annotation: JSON.stringify(annotation),
    annotation_kind: kindOf(annotation),
    annotation_user_id: annotator ?? null,
    input_id: inputId,
    concepts,
    annotation_created_at: timeOf(createdAt),
    annotation_modified_at: timeOf(modifiedAt),
  };
}

/** Bytes that a row takes in memory, about. */
export function sizeOf(row: Row): number {
  let bytes = ROW_BYTES;
  for (const value of Object.values(row)) {
    if (typeof value === 'string') bytes += value.length;
    else if (Array.isArray(value)) bytes += value.length * ROW_BYTES;
    else if (isMedia(value)) bytes += value.bytes?.length ?? 0;
  }
  return bytes;
}

const isMedia = (value: unknown): value is { bytes: Uint8Array | null } =>
  typeof value === 'object' && value !== null && 'bytes' in value;

const isUrl = (uri: string): boolean => /^https?:\/\//i.test(uri);

function timeOf(iso: string | undefined): Date | null {
  const ms = Date.parse(iso ?? '');
  return Number.isNaN(ms) ? null : new Date(ms);
}

/** A frame with a region is a region. */
function kindOf({ region, span, frame, segment }: Annotation): AnnotationKind {
  if (region?.mask !== undefined) return 'mask';
  if (region?.polygon !== undefined) return 'polygon';
  if (region?.box !== undefined) return 'box';
  if (region?.keypoints !== undefined) return 'keypoints';
  if (region?.point !== undefined) return 'point';
  if (span !== undefined) return 'span';
  if (frame !== undefined) return 'frame';
  return segment === undefined ? 'concepts' : 'segment';
}
