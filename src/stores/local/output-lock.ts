import { hash } from 'node:crypto';
import { resolve } from 'node:path';
import { joinPlace } from '../../io/place.ts';
import type { Context } from '../../model/contracts.ts';
import { findStore } from './layout.ts';
import { StoreLock } from './lock.ts';

/**
 * The right to write an export of this store to one place: two that go on with the same half-written files would spoil
 * them. It is kept in the store, so that nothing of it is left beside the export.
 *
 * Throws FatalError STORE_LOCKED naming the owner, or STORE_NOT_FOUND.
 */
export async function lockOutput(
  root: string,
  out: string,
  { dataset, wait }: { dataset: string; wait: boolean },
  ctx: Context,
): Promise<{ release(): Promise<void> }> {
  const { lock, files } = await findStore(root);
  const path = resolve(out);
  const folder = joinPlace(lock, 'exports', hash('sha256', path).slice(0, 32));
  await files.makeFolders([folder]);
  return StoreLock.acquire(
    files.lock(folder, ctx.clock),
    { runId: `export of ${dataset}`, wait, what: path },
    ctx,
  );
}
