import { type CodeInfo, failed, ok, rejected, skipped } from './code-info.ts';

/** What became of an item. */
export const ITEM_CODES = {
  INPUT_SUCCESS: ok(30000, 'The input was validated and stored.'),
  INPUT_UPDATED: ok(
    900001,
    'The input was there with the same bytes; its labels, metadata or dataset changed.',
  ),

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
  INPUT_ARCHIVED: failed(
    900038,
    'The object lies in an archive storage class, where it cannot be read.',
    'Restore it (aws s3api restore-object), then run the printed retry command.',
  ),
} as const satisfies Record<string, CodeInfo>;
