import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { s3 } from '../../src/loaders/s3.ts';
import type { Context } from '../../src/model/contracts.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from './context.ts';
import { type Listing, listSource } from './listing.ts';
import { type VersityGw, versityGw } from './versitygw.ts';

/** A server of its own with a bucket `media`. */
export async function mediaBucket(objects: Record<string, string | Uint8Array> = {}): Promise<VersityGw> {
  const gateway = await versityGw();
  await gateway.makeBucket('media');
  for (const [key, body] of Object.entries(objects)) await gateway.put('media', key, body);
  return gateway;
}

/** Puts every file below a folder into the bucket `media`, under a prefix. */
export async function putFolder(gateway: VersityGw, folder: string, prefix = ''): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await gateway.put(
      'media',
      `${prefix}${relative(folder, path).replaceAll(sep, '/')}`,
      await readFile(path),
    );
  }
}

/** Lists `s3://media/<prefix>` to its end. */
export const listBucket = (
  endpoint: string,
  prefix: string,
  options: Record<string, unknown> = {},
  ctx: Context = testContext(),
  stores: readonly string[] = [],
): Promise<Listing> => listSource(s3, `s3://media/${prefix}`, { endpoint, ...options }, ctx, stores);

/** What a ledger line says of an item itself, and not of its run. */
export const fateOf = ({ uri, inputId, outcome, code, sha256 }: Outcome) => ({
  ...{ uri, inputId, outcome, code, sha256 },
});
