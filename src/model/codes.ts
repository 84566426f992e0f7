/**
 * The one table of stable codes.
 *
 * Numbers below 900 000 are the platform's (`clarifai/api/status/status_code.proto`); those from 900 000 on are
 * ours, for what the platform has no code for. A code, once released, keeps its name, number and meaning.
 */
export interface CodeInfo {
  readonly number: number;
  /** Which result the code belongs to: an item's outcome, a warning beside one, or the end of a run. */
  readonly class: 'ok' | 'skipped' | 'rejected' | 'failed' | 'warning' | 'fatal';
  /** Whether the same item may succeed when simply tried again. */
  readonly retryable: boolean;
  readonly meaning: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

const ok = (number: number, meaning: string): CodeInfo => ({
  number,
  class: 'ok',
  retryable: false,
  meaning,
  remedy: 'Nothing to do.',
});
const skipped = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'skipped',
  retryable: false,
  meaning,
  remedy,
});
const rejected = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'rejected',
  retryable: false,
  meaning,
  remedy,
});
const failed = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'failed',
  retryable: true,
  meaning,
  remedy,
});
const warning = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'warning',
  retryable: false,
  meaning,
  remedy,
});
const fatal = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'fatal',
  retryable: true,
  meaning,
  remedy,
});

export const CODES = {
  // ok
  INPUT_SUCCESS: ok(30000, 'The input was validated and stored.'),
  INPUT_UPDATED: ok(
    900001,
    'The input was there with the same bytes; its labels, metadata or dataset changed.',
  ),

  // skipped
  EXPORTED: ok(900002, 'The input is in the export.'),
  INPUT_UNCHANGED: skipped(
    900010,
    'The input is already stored with the same content and labels.',
    'Nothing to do; --verify reads the bytes again.',
  ),
  JUNK_FILE: skipped(
    900011,
    'A file that operating systems leave behind (.DS_Store, Thumbs.db, __MACOSX …).',
    'Nothing to do; the rule that matched is named in the message.',
  ),
  EXCLUDED: skipped(900012, 'An --include or --exclude pattern leaves this file out.', 'Change the pattern.'),
  NESTED_ARCHIVE: skipped(
    900013,
    'An archive inside an archive is not opened.',
    'Unpack the inner archive and ingest it on its own.',
  ),
  SYMLINK_SKIPPED: skipped(
    900014,
    'A symbolic link, and the symlink policy does not follow it.',
    'Use --symlinks follow.',
  ),
  NOT_A_REGULAR_FILE: skipped(
    900015,
    'A FIFO, socket or device; reading it could hang for ever.',
    'Copy its content to a regular file.',
  ),

  // rejected, the platform's codes
  LABEL_FILE: skipped(900016, 'A label source reads this file; it is no item.', 'Nothing to do.'),
  EXPORT_UNSUPPORTED: skipped(
    900018,
    'The export format cannot carry inputs of this kind.',
    'Choose another format; docs/exporters has what each one carries.',
  ),
  TRANSFORM_DROPPED: skipped(
    900017,
    'The pipeline’s transform left the item out, for the reason in the message.',
    'Change the transform.',
  ),
  INPUT_DUPLICATE: rejected(
    30100,
    'Another input has this id.',
    'Rename it, use --id-prefix or --on-duplicate suffix|replace, or retry with --retry-duplicates.',
  ),
  INPUT_UNSUPPORTED_FORMAT: rejected(
    30101,
    'The content is of a format that the profile does not take.',
    'Convert it, or use --profile open.',
  ),
  INPUT_INVALID_ARGUMENT: rejected(
    30104,
    'A cell, label or metadata value cannot be read.',
    'Correct the cell named in the message, then retry with --rejected.',
  ),
  INPUT_OVER_LIMIT: rejected(
    30105,
    'The input is larger than a limit of the profile.',
    'Make it smaller, or override the limit.',
  ),
  INPUT_INVALID_URL: rejected(
    30106,
    'The URL is malformed, of a scheme other than http(s), or points to a private address.',
    'Correct the URL, or --allow-private-addresses for hosts you trust.',
  ),
  ALL_INPUT_INVALID_BYTES: rejected(
    30300,
    'The bytes are not what they claim: truncated, corrupt, empty or not decodable.',
    'Restore the file from its source.',
  ),
  INPUT_INVALID_REQUEST: rejected(
    39999,
    'The id breaks the rules of the profile (1–48 characters, no colon under clarifai).',
    'Give a shorter id without a colon.',
  ),

  // rejected, ours
  INPUT_BATCH_OVERSIZE: rejected(
    900020,
    'The item alone is larger than one request may be.',
    'Make it smaller, or raise --batch-megabytes where it is below 128.',
  ),
  CSV_ROW_INVALID: rejected(
    900021,
    'A CSV record cannot be read: broken quote, wrong number of columns, over the size cap.',
    'Correct the line named in the message, then retry with --rejected.',
  ),
  PATH_OUTSIDE_BASE: rejected(
    900022,
    'A path in a CSV leaves its base folder.',
    'Move the file, or use --allow-outside.',
  ),
  ZIP_ENTRY_UNSAFE: rejected(
    900023,
    'The name of an archive entry is absolute, climbs out with "..", or is a link.',
    'Re-pack the archive with plain relative names.',
  ),
  ZIP_ENTRY_DUPLICATE: rejected(
    900024,
    'Another entry of the archive has this name.',
    'Re-pack the archive with unique names.',
  ),
  ZIP_ENTRY_ENCRYPTED: rejected(
    900025,
    'The archive entry is encrypted.',
    'Unpack it with its password and ingest the files.',
  ),
  ZIP_ENTRY_CORRUPT: rejected(
    900026,
    'The entry does not match its CRC or declared size, or overlaps another entry.',
    'Re-create the archive from its source.',
  ),
  ZIP_ENTRY_BOMB: rejected(
    900027,
    'The entry unpacks to more than the size or ratio limit.',
    'Override the limit if the archive is trusted.',
  ),
  ARCHIVE_UNREADABLE: rejected(
    900028,
    'The archive cannot be opened.',
    'Repair or re-pack the archive (zip -F), then retry with --rejected.',
  ),

  // failed
  INPUT_NOT_FOUND: failed(
    30102,
    'What the source names is not there.',
    'Put the file in place and run the printed retry command.',
  ),
  INPUT_PERMISSION_DENIED: failed(
    30103,
    'The item may not be read.',
    'Correct the permissions and run the printed retry command.',
  ),
  INPUT_READ_FAILED: failed(900030, 'Reading the item failed.', 'Run the printed retry command.'),
  INPUT_CHANGED_WHILE_READ: failed(
    900031,
    'The item changed between listing and reading, or while it was read.',
    'Run the printed retry command when the writer is done.',
  ),
  URL_FETCH_FAILED: failed(
    900032,
    'The URL could not be fetched: time-out, reset, or an error status.',
    'Run the printed retry command.',
  ),
  MEDIA_PROBE_FAILED: failed(
    900033,
    'The probe of the media did not finish (time limit, killed).',
    'Run the printed retry command, or raise the time limit.',
  ),
  DELIVERY_FAILED: failed(900034, 'The sink could not take the item.', 'Run the printed retry command.'),
  SOURCE_DIRECTORY_UNREADABLE: failed(
    900035,
    'A directory could not be read, so what is in it is unknown.',
    'Correct the permissions, then ingest again.',
  ),

  TRANSFORM_FAILED: failed(
    900036,
    'The pipeline’s transform threw an error for this item.',
    'Correct the transform, then run the printed retry command.',
  ),
  REPAIR_FAILED: failed(
    900037,
    'Bringing the item under the limits, as the pipeline asks for, failed.',
    'See the message; convert the file by hand, or run the printed retry command.',
  ),

  // annotations; one that is rejected does not reject its input
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

  // warnings
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
  REPAIRED: warning(
    900046,
    'The item was changed to fit the limits, as the pipeline asks for.',
    'Nothing to do.',
  ),
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

  // the end of a run
  SOURCE_INCOMPLETE: fatal(
    900050,
    'The loader could not prove that it saw the whole source.',
    'See the message for what is missing; ingest again.',
  ),
  SOURCE_CHANGED: fatal(
    900051,
    'The source file changed since the run began.',
    'Resume with --accept-changed, or start a new run.',
  ),
  SOURCE_NOT_FOUND: fatal(900052, 'The source does not exist or cannot be opened.', 'Check the path.'),
  SOURCE_UNRECOGNISED: fatal(900053, 'What the source is could not be told.', 'Name it with --source-type.'),
  STORE_LOCKED: fatal(
    900054,
    'Another run writes to this store.',
    'Wait for the run named in the message, or use --wait.',
  ),
  STORE_FULL: fatal(
    900055,
    'The disk has too little free space.',
    'Free space, then run the printed resume command.',
  ),
  STORE_SCHEMA_NEWER: fatal(900056, 'The store was written by a newer version.', 'Update sluice.'),
  STORE_CORRUPT: fatal(900057, 'The store does not hold what it should.', 'Run: sluice store check'),
  STORE_WRITE_FAILED: fatal(
    900058,
    'Writing to the store failed.',
    'Correct the cause, then run the printed resume command.',
  ),
  ACCOUNTING_BROKEN: fatal(
    900059,
    'listed differs from ok + rejected + failed + skipped.',
    'This is a bug: please report it with run.json and the ledger.',
  ),
  CONFIG_INVALID: fatal(900060, 'An option or argument cannot be used.', 'See the message, or --help.'),
  RUN_NOT_FOUND: fatal(900061, 'No such run in this store.', 'Run: sluice runs list'),
  INTERRUPTED: fatal(900063, 'The run was interrupted.', 'Run the printed resume command.'),
  MEDIA_TOOL_MISSING: fatal(
    900064,
    'No usable ffprobe or ffmpeg was found.',
    'Install ffmpeg, or npm install --include=optional.',
  ),
  STORE_NOT_FOUND: fatal(
    900065,
    'There is no store in this folder.',
    'Check --store and SLUICE_STORE; sluice ingest makes a store.',
  ),
  LABELS_UNREADABLE: fatal(
    900066,
    'A label source cannot be read as a whole.',
    'Correct the file at the place that the message names.',
  ),
  PIPELINE_INVALID: fatal(
    900067,
    'The pipeline file cannot be used.',
    'Correct it where the message says; sluice lint shows all problems.',
  ),
  SOURCE_FEATURE_UNSUPPORTED: fatal(
    900068,
    'The source uses a feature of its format that this version cannot read.',
    'See the message for the feature; write the source without it.',
  ),
  DATASET_NOT_FOUND: fatal(900069, 'There is no such dataset in this store.', 'Run: sluice datasets list'),
  DATASET_VERSION_NOT_FOUND: fatal(
    900070,
    'The dataset has no such version.',
    'Run: sluice datasets versions <dataset>',
  ),
  DATASET_EXISTS: fatal(
    900071,
    'A dataset or version of that name is there already.',
    'Choose another name.',
  ),
  FILTER_NOT_FOUND: fatal(900072, 'There is no annotation filter of that name.', 'Run: sluice filters list'),
  OUTPUT_EXISTS: fatal(
    900073,
    'Something is at the place where the export is to be written.',
    'Choose another place, or --overwrite for an export of ours.',
  ),
  EXPORT_INCOMPLETE: fatal(
    900074,
    'What was written does not have what the version has.',
    'This is a bug: please report it with report.json.',
  ),
  INTERNAL: fatal(
    900099,
    'An unexpected error.',
    'This is a bug: please report it with the message and stack.',
  ),
} as const satisfies Record<string, CodeInfo>;

export type Code = keyof typeof CODES;

/** The description of a code, under the general type. */
export const codeInfo = (code: Code): CodeInfo => CODES[code];
