import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import { DTYPES } from '../../model/embedding.ts';
import type { ModelFolder } from './folder.ts';

/** What was fetched; `commit` keeps what is fetched later of the same state. */
export const MANIFEST = '.sluice-model.json';
const manifestSchema = z.object({
  schema: z.literal(1),
  commit: z.string(),
  files: z.array(z.string()),
  /** Types of weights that are there with all that belongs to them. */
  dtypes: z.array(z.enum(DTYPES)),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** What was fetched into a folder; nothing where it says nothing. */
export async function readManifest(folder: ModelFolder): Promise<Manifest> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder.path, MANIFEST), 'utf8')));
  } catch (error) {
    // What cannot be read is made again, beside files that are fetched again.
    if (errnoOf(error) === undefined || errnoOf(error) === 'ENOENT')
      return { schema: 1, commit: '', files: [], dtypes: [] };
    throw writeFailure(error, folder.path);
  }
}

export const writeManifest = (path: string, manifest: Manifest): Promise<void> =>
  writeFileAtomic(join(path, MANIFEST), `${JSON.stringify(manifest)}\n`);
