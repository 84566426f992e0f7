import type { ExporterComponent } from '../model/export.ts';
import { KINDS } from '../model/kind.ts';
import {
  ARCHIVE_LOSSES,
  type ArchiveOptions,
  archiveOptions,
  estimateArchive,
  PROTOBUF_ARCHIVE,
} from './archive/options.ts';
import { writeArchive } from './archive/write.ts';

/** The platform's archive of protobuf (InputBatch), with the media inside unless they are hosted. */
export const protobuf: ExporterComponent<ArchiveOptions> = {
  name: 'protobuf',
  summary:
    'A Clarifai archive: a ZIP of protobuf (InputBatch), which the platform’s Python SDK reads and sluice ingest takes back',
  example: 'sluice export default --format protobuf --out dataset.zip',
  options: archiveOptions,
  writes: 'file',
  extension: '.zip',
  kinds: KINDS,
  losses: ARCHIVE_LOSSES,
  estimate: (version, options) => estimateArchive(version, options, PROTOBUF_ARCHIVE),
  write: (source, target, options, ctx) => writeArchive(PROTOBUF_ARCHIVE, source, target, options, ctx),
};
