import { type CodeInfo, fatal } from './code-info.ts';

/** How a run ended before its end. */
export const RUN_CODES = {
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
  EXPORT_UPLOAD_FAILED: fatal(
    900075,
    'The export could not be uploaded.',
    'Correct what the message says; the same command again goes on.',
  ),
  SOURCE_ACCESS_DENIED: fatal(
    900076,
    'The source may not be listed or read with these credentials.',
    'See the message for the identity that was used and the likely causes.',
  ),
  STORE_ACCESS_DENIED: fatal(
    900077,
    'The bucket of the store may not be read or written with these credentials.',
    'See the message for the identity that was used and what a store needs.',
  ),
  STORE_UNREACHABLE: fatal(
    900078,
    'The bucket of the store cannot be reached.',
    'Check the network, AWS_ENDPOINT_URL_S3 and the region, then run the printed resume command.',
  ),
  INTERNAL: fatal(
    900099,
    'An unexpected error.',
    'This is a bug: please report it with the message and stack.',
  ),
} as const satisfies Record<string, CodeInfo>;
