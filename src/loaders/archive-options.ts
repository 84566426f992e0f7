import { z } from 'zod';

/** What every loader that opens archives lets the user choose about them. */
export const archiveFields = {
  maxEntries: z
    .number()
    .int()
    .positive()
    .default(10_000_000)
    .describe('Most entries that an archive may have; one with more is not opened'),
  maxEntryMegabytes: z
    .number()
    .positive()
    .default(4_000)
    .describe('Most that one archive entry may unpack to (MB of 1 000 000 bytes)'),
  maxArchiveMegabytes: z
    .number()
    .positive()
    .default(1_000_000)
    .describe('Most that all items of one archive may unpack to (MB of 1 000 000 bytes)'),
  maxRatio: z
    .number()
    .min(1)
    .default(200)
    .describe('Most bytes that one compressed byte may unpack to, in archive entries over 20 MB'),
};

/** The values of `archiveFields`. */
export type ArchiveFields = z.infer<z.ZodObject<typeof archiveFields>>;
