import { rm } from 'node:fs/promises';
import { KeyTable } from '../../io/key-table.ts';
import { joinPlace } from '../../io/place.ts';
import type { Context } from '../../model/contracts.ts';
import { holdStore, type MaintenanceOptions } from './held-store.ts';
import { LOOKUP_CHUNK } from './ids.ts';
import { type Table, textIsContent } from './lance.ts';
import { collectVectors, compactVectors, removeVectorsOf } from './vectors/upkeep.ts';
import { nameOfVersions, orphanChunks, removeUnfinished } from './versions/garbage.ts';

/** Younger orphans are spared: a reader may still hold a version with their row. */
const GRACE_MS = 60 * 60_000;

export interface GarbageOptions extends MaintenanceOptions {
  /** Say what would go, remove nothing. */
  dryRun?: boolean;
  /** Spare orphans younger than so many milliseconds; an hour unless given. */
  graceMs?: number;
}

export interface Garbage {
  blobs: number;
  /** Parts of dataset versions. */
  chunks: number;
  /** Of the blobs and chunks. */
  bytes: number;
  /** Folders that killed runs left. */
  tmpFolders: number;
  /** Of inputs that are gone or have other content now. */
  vectors: number;
  /** Whose vectors no generation of the index names. */
  models: number;
}

export interface CompactOptions extends MaintenanceOptions {
  /** Keep versions younger than so many milliseconds for readers that began on them; ten minutes unless given. */
  retainMs?: number;
}

/**
 * Removes blobs that no row and no version names, chunks that no version names, stale and unused vectors, and what
 * killed runs left in tmp/. Throws FatalError STORE_LOCKED and the like.
 */
export function collectGarbage(root: string, options: GarbageOptions, ctx: Context): Promise<Garbage> {
  const { dryRun = false, graceMs = GRACE_MS } = options;
  return holdStore(root, 'gc', options, ctx, async ({ paths, connection, inputs }) => {
    const named = new KeyTable({ values: false });
    if (inputs !== undefined) await nameBlobs(inputs.table, named);
    const chunks = await nameOfVersions(paths, named, ctx.signal);
    const garbage: Garbage = { blobs: 0, chunks: 0, bytes: 0, tmpFolders: 0, vectors: 0, models: 0 };
    const newest = ctx.clock.now() - graceMs;
    for await (const { name, path, bytes, modifiedAt } of paths.files.walk(paths.blobs)) {
      ctx.signal.throwIfAborted();
      if (modifiedAt > newest || named.has(name)) continue;
      garbage.blobs++;
      garbage.bytes += bytes;
      if (!dryRun) await paths.files.remove(path);
    }
    for await (const { path, bytes, modifiedAt } of orphanChunks(paths, chunks)) {
      ctx.signal.throwIfAborted();
      if (modifiedAt > newest) continue;
      garbage.chunks++;
      garbage.bytes += bytes;
      if (!dryRun) await paths.files.remove(path);
    }
    if (!dryRun) await removeUnfinished(paths);
    // The lock is ours, so no run uses any of them.
    for (const name of await paths.files.names(paths.tmp)) {
      garbage.tmpFolders++;
      if (!dryRun) await rm(joinPlace(paths.tmp, name), { recursive: true, force: true });
    }
    return { ...garbage, ...(await collectVectors(paths, connection, { dryRun }, ctx)) };
  });
}

async function nameBlobs(inputs: Table, named: KeyTable): Promise<void> {
  const where = `NOT ${await textIsContent(inputs)} AND source IS NULL`;
  for await (const batch of inputs.query().where(where).select(['sha256'])) {
    const hashes = batch.getChild('sha256')!;
    for (let i = 0; i < batch.numRows; i++) named.set(String(hashes.get(i)));
  }
}

/** Joins small fragments into large ones and removes old versions, of the index too. Needs memory in proportion to the texts in rows. */
export async function compactStore(root: string, options: CompactOptions, ctx: Context): Promise<void> {
  await holdStore(root, 'compact', options, ctx, async ({ paths, inputs }) => {
    await inputs?.compact(options.retainMs);
    await compactVectors(paths, options.retainMs, ctx);
  });
}

/** Removes inputs and their vectors; their blobs go with the next `collectGarbage`. Returns how many there were. */
export function deleteInputs(
  root: string,
  ids: readonly string[],
  options: MaintenanceOptions,
  ctx: Context,
): Promise<number> {
  return holdStore(root, 'delete', options, ctx, async ({ paths, inputs }) => {
    let removed = 0;
    const unique = [...new Set(ids.map((id) => id.toWellFormed()))];
    for (let at = 0; at < unique.length; at += LOOKUP_CHUNK) {
      ctx.signal.throwIfAborted();
      removed += (await inputs?.remove(unique.slice(at, at + LOOKUP_CHUNK))) ?? 0;
    }
    await removeVectorsOf(paths, unique, ctx);
    return removed;
  });
}
