import { z } from 'zod';
import { SYMLINK_POLICIES } from '../io/look.ts';
import { archiveFields } from './archive-options.ts';
import { globOptions } from './globs.ts';
import { labelOptions } from './labels.ts';
import { manifestFields } from './manifest-options.ts';
import { allowOutside, allowPrivateAddresses } from './reach.ts';

export const folderOptions = z.strictObject({
  recursive: z.boolean().default(true).describe('Subfolders, too, unless --no-recursive'),
  ...labelOptions,
  ...globOptions,
  symlinks: z
    .enum(SYMLINK_POLICIES)
    .default('files')
    .describe(
      'Symbolic links: files follows those to files inside the source, follow all of them (a folder once), skip none',
    ),
  sidecar: z
    .boolean()
    .default(false)
    .describe(
      'Take metadata, concepts, annotations, geo and split from photo.jpg.json or photo.json beside photo.jpg',
    ),
  manifest: z
    .string()
    .min(1)
    .optional()
    .describe('CSV in the source whose rows say what its files are; other files are listed as usual'),
  allowOutside,
  allowPrivateAddresses,
  ...manifestFields,
  ...archiveFields,
});
export type FolderOptions = z.infer<typeof folderOptions>;
