import type { Context, Sink } from '../model/contracts.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import type { CheckOptions } from './local/check.ts';
import type { StoreFinding, StoreSummary } from './local/findings.ts';
import type { MaintenanceOptions } from './local/held-store.ts';
import type { CompactOptions, Garbage, GarbageOptions } from './local/maintenance.ts';
import type { PlanOptions } from './local/plan.ts';
import type { LocalReader } from './local/reader.ts';
import type { NewVersion } from './local/versions/create.ts';
import type { LocalWriter, WriterOptions } from './local/writer.ts';

export { partsOf } from '../annotations/annotated-parts.ts';
export type { CheckOptions } from './local/check.ts';
export type { AnnotationCounts, ConceptCount } from './local/dataset-counts.ts';
export type { DatasetDetails, DatasetSummary } from './local/datasets.ts';
export type { StoreFinding, StoreSummary } from './local/findings.ts';
export type { MaintenanceOptions } from './local/held-store.ts';
export type { ListOptions } from './local/listing.ts';
export type { CompactOptions, Garbage, GarbageOptions } from './local/maintenance.ts';
export type { PlanOptions } from './local/plan.ts';
export type { LocalReader } from './local/reader.ts';
export type { NewVersion } from './local/versions/create.ts';
export type { LocalWriter, WriterOptions } from './local/writer.ts';
export { nullSink } from './null.ts';

// LanceDB is a large native library: each of these loads it when it is called, and not before.

/**
 * Takes the store at `root` for writing, and makes it where there is none.
 *
 * Throws FatalError STORE_LOCKED, STORE_FULL, STORE_SCHEMA_NEWER, STORE_CORRUPT, STORE_WRITE_FAILED, or
 * CONFIG_INVALID for a folder that holds something else.
 */
export async function openWriter(root: string, options: WriterOptions, ctx: Context): Promise<LocalWriter> {
  const { LocalWriter } = await import('./local/writer.ts');
  return LocalWriter.open(root, options, ctx);
}

/** Opens the store at `root` for reading; never waits. Throws FatalError STORE_NOT_FOUND and the like. */
export async function openReader(root: string): Promise<LocalReader> {
  const { LocalReader } = await import('./local/reader.ts');
  return LocalReader.open(root);
}

/** A sink that answers what a writer would, and writes nothing: for dry runs. There may be no store yet. */
export async function openPlan(root: string, options: PlanOptions): Promise<Sink> {
  const { PlanSink } = await import('./local/plan.ts');
  return PlanSink.open(root, options);
}

/** Finds rows without their blob, blobs without a row, rows of no run, and doubled ids; returns the counts. */
export async function* checkStore(
  root: string,
  options: CheckOptions,
  ctx: Context,
): AsyncGenerator<StoreFinding, StoreSummary> {
  const local = await import('./local/check.ts');
  return yield* local.checkStore(root, options, ctx);
}

/** Removes blobs that no row names, and what killed runs left behind. Takes the lock. */
export async function collectGarbage(root: string, options: GarbageOptions, ctx: Context): Promise<Garbage> {
  const local = await import('./local/maintenance.ts');
  return local.collectGarbage(root, options, ctx);
}

/** Joins small fragments, removes old versions. Takes the lock. */
export async function compactStore(root: string, options: CompactOptions, ctx: Context): Promise<void> {
  const local = await import('./local/maintenance.ts');
  return local.compactStore(root, options, ctx);
}

/** Removes inputs, and returns how many there were. Takes the lock; the blobs go with `collectGarbage`. */
export async function deleteInputs(
  root: string,
  ids: readonly string[],
  options: MaintenanceOptions,
  ctx: Context,
): Promise<number> {
  const local = await import('./local/maintenance.ts');
  return local.deleteInputs(root, ids, options, ctx);
}

/** Makes an immutable version of a dataset as it is now. Takes the lock. */
export async function createVersion(
  root: string,
  request: NewVersion,
  ctx: Context,
): Promise<DatasetVersion> {
  const local = await import('./local/versions/create.ts');
  return local.createVersion(root, request, ctx);
}
