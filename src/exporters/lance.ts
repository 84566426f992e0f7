import { z } from 'zod';
import type { Context } from '../model/contracts.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import type { ExporterComponent, ExportResult, ExportSource, ExportTarget } from '../model/export.ts';
import { KINDS } from '../model/kind.ts';
import type { Outcome } from '../model/outcome.ts';
import { MEDIA_HELP } from './media-option.ts';
import { MEDIA_MODES } from './tables/columns.ts';
import { writeLanceTables } from './tables/lance-tables.ts';
import { tableBytes } from './tables/table-facts.ts';

const options = z.strictObject({
  media: z.enum(MEDIA_MODES).default('embed').describe(MEDIA_HELP),
});
export type LanceOptions = z.infer<typeof options>;

/**
 * The tables of the Parquet export as Lance datasets. Lance names its files by chance and notes the time, so their bytes
 * differ from export to export; the rows and their order do not.
 */
export const lance: ExporterComponent<LanceOptions> = {
  name: 'lance',
  summary: 'Tables of inputs and annotations as Lance datasets, the media in them or beside them',
  example: 'sluice export default --format lance --out lance',
  options,
  writes: 'folder',
  kinds: KINDS,
  // Everything goes into the tables.
  losses: [],
  estimate: (version: DatasetVersion, { media }: LanceOptions) => tableBytes(version, media),
  write(
    source: ExportSource,
    target: ExportTarget,
    given: LanceOptions,
    ctx: Context,
  ): AsyncGenerator<Outcome, ExportResult, void> {
    return writeLanceTables(source, target, given, ctx);
  },
};
