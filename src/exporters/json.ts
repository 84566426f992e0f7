import type { ExporterComponent } from '../model/export.ts';
import { KINDS } from '../model/kind.ts';
import {
  ARCHIVE_LOSSES,
  type ArchiveOptions,
  archiveOptions,
  estimateArchive,
  JSON_ARCHIVE,
} from './archive/options.ts';
import { writeArchive } from './archive/write.ts';

/** The platform's archive of proto3 JSON, with the media inside unless they are hosted. */
export const json: ExporterComponent<ArchiveOptions> = {
  name: 'json',
  summary:
    'A Clarifai archive: a ZIP of proto3 JSON, for readers without protobuf; sluice ingest takes it back',
  example: 'sluice export default --format json --out dataset.zip',
  options: archiveOptions,
  writes: 'file',
  extension: '.zip',
  kinds: KINDS,
  losses: ARCHIVE_LOSSES,
  estimate: (version, options) => estimateArchive(version, options, JSON_ARCHIVE),
  write: (source, target, options, ctx) => writeArchive(JSON_ARCHIVE, source, target, options, ctx),
};
