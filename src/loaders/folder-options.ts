import { z } from 'zod';
import { SYMLINK_POLICIES } from '../io/look.ts';
import { archiveFields } from './archive-options.ts';
import { globOptions } from './globs.ts';
import { labelOptions } from './labels.ts';
import { manifestFields } from './manifest-options.ts';

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
  allowOutside: z
    .boolean()
    .default(false)
    .describe('Let the manifest also name files outside the source, by absolute paths, ".." or links'),
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe('Let the manifest also name URLs that lead to private, loopback and link-local addresses'),
  ...manifestFields,
  ...archiveFields,
});
export type FolderOptions = z.infer<typeof folderOptions>;
