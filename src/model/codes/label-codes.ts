import { type CodeInfo, rejected, warning } from './code-info.ts';

/** What became of an annotation, and warnings beside an outcome. A rejected annotation does not reject its input. */
export const LABEL_CODES = {
  ANNOTATION_INVALID_ARGUMENT: rejected(
    24155,
    'The annotation lacks a field, or one has the wrong type or is no finite number.',
    'Correct the entry in the label file, then ingest again.',
  ),
  REGION_DEGENERATE: rejected(
    900100,
    'The region has no area: a box or polygon of no width or height, fewer than three points, or an empty mask.',
    'Correct the entry in the label file, then ingest again.',
  ),
  REGION_OUTSIDE: rejected(
    900101,
    'The region lies wholly outside its image.',
    'Correct the entry in the label file, then ingest again.',
  ),
  MASK_SIZE_MISMATCH: rejected(
    900102,
    'The mask has another size than its image.',
    'Export the mask at the size of its image, then ingest again.',
  ),
  MASK_INVALID: rejected(
    900103,
    'The mask cannot be read: runs of the wrong total, a broken file, or a form that masks do not have.',
    'Export the mask again, then ingest again.',
  ),
  ANNOTATION_DUPLICATE: rejected(
    900104,
    'The input has another annotation with the same id.',
    'Give each annotation of an input its own id, then ingest again.',
  ),
  ANNOTATION_KIND_MISMATCH: rejected(
    900105,
    'The annotation does not fit the kind of its input, such as a box on a sound or a frame of a photo.',
    'Correct the entry in the label file, then ingest again.',
  ),
  CONCEPT_UNKNOWN: rejected(
    900106,
    'The annotation names a class that the label source does not declare.',
    'Add the class to the label file or class map, then ingest again.',
  ),
  LABELS_WITHOUT_INPUT: rejected(
    900107,
    'Labels for an item that the source does not have.',
    'Add the file, or correct the name in the label file, then ingest again.',
  ),
  LABELS_AMBIGUOUS: rejected(
    900109,
    'Labels that fit more than one item, or a second set of labels for one item.',
    'Name the folder as well in the label file or pattern, or remove one of the two, then ingest again.',
  ),
  LOG_LINE_UNMATCHED: rejected(
    900108,
    'A line of the upload log matches no item of the source.',
    'Give the source that was uploaded, in the same order.',
  ),

  REGION_CLAMPED: warning(
    900043,
    'A region reached over the edge of its image, or a segment beyond its recording, and was cut there.',
    'Nothing to do, or correct the label file.',
  ),
  UNLABELLED: warning(
    900044,
    'The label sources of the run say nothing about this item.',
    'Nothing to do, or add labels and ingest again.',
  ),
  LABELLED_SIZE_DIFFERS: warning(
    900045,
    'The label file states another image size than the image has.',
    'Check that the labels were made on this very image; regions were placed as the message says.',
  ),
  REPAIRED: warning(900046, 'The media were changed, as --repair or --normalise asks for.', 'Nothing to do.'),
  EXIF_UNREADABLE: warning(
    900040,
    'The EXIF block is broken; the pixels are good and orientation 1 is assumed.',
    'Nothing to do, or rewrite the metadata.',
  ),
  EXTENSION_MISMATCH: warning(
    900041,
    'The file name claims another format than the content has; the content decides.',
    'Rename the file.',
  ),
  ENCODING_DETECTED: warning(
    900042,
    'The file is not UTF-8; the named encoding was assumed.',
    'Save the file as UTF-8.',
  ),
} as const satisfies Record<string, CodeInfo>;
