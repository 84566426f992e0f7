import { z } from 'zod';

/** How far a source may reach beyond itself; the same words wherever it is asked. */
export const allowOutside = z
  .boolean()
  .default(false)
  .describe(
    'Also take files outside the folder of the file that names them, by absolute paths, ".." or links',
  );

export const allowPrivateAddresses = z
  .boolean()
  .default(false)
  .describe('Also fetch URLs that lead to private, loopback and link-local addresses');
