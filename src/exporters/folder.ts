import { z } from 'zod';
import type { Context } from '../model/contracts.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import type { ExporterComponent, ExportResult, ExportSource, ExportTarget } from '../model/export.ts';
import type { Outcome } from '../model/outcome.ts';
import { FolderExport } from './folder/export.ts';
import { FOLDER_KINDS } from './folder/layout.ts';
import { LOSSES } from './folder/losses.ts';
import { normaliseFields, withNormalised } from './normalise.ts';

/** Of an input's line in the metadata file, about. */
const LINE_BYTES = 300;

const options = z.strictObject({ ...normaliseFields });
export type FolderOptions = z.infer<typeof options>;

/**
 * What `load_dataset("imagefolder")` reads, and `audiofolder` and `videofolder`: `<split>/<file>` and
 * `<split>/metadata.jsonl`. A version of several kinds has a folder for each, as one loader reads one kind.
 */
export const folder: ExporterComponent<FolderOptions> = {
  name: 'folder',
  summary: 'Media files in folders by split with a metadata.jsonl, as Hugging Face datasets load them',
  example: 'sluice export default --format folder --out folder',
  options,
  writes: 'folder',
  kinds: FOLDER_KINDS,
  losses: LOSSES,
  estimate: ({ bytes, metrics }: DatasetVersion) => bytes + metrics.inputsCount * LINE_BYTES,
  write(
    source: ExportSource,
    target: ExportTarget,
    folderOptions: FolderOptions,
    ctx: Context,
  ): AsyncGenerator<Outcome, ExportResult, void> {
    return withNormalised(source, target, folderOptions, ctx, (from) =>
      new FolderExport(from, target, ctx).run(),
    );
  },
};
