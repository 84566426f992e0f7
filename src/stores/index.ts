import type { Clock, Context, Sink } from '../model/contracts.ts';
import type { AnnotationFilter, DatasetInfo, DatasetVersion, StoredFilter } from '../model/dataset.ts';
import type { Metadata } from '../model/labels.ts';
import type { PatchAction } from '../model/patch.ts';
import type { IndexWriter, ModelCoverage } from '../model/vector-index.ts';
import type { Generation, IndexCounts, IndexedModel, IndexState } from '../model/workflow.ts';
import type { CheckOptions } from './local/check.ts';
import type { DatasetFields, DatasetPatch, DeletedDataset } from './local/dataset-changes.ts';
import type { ChangedMembers } from './local/dataset-members.ts';
import type { SplitResult, SplitRule } from './local/dataset-splits.ts';
import type { BucketFiles } from './local/files/bucket-files.ts';
import type { StoreFinding, StoreSummary } from './local/findings.ts';
import type { MaintenanceOptions } from './local/held-store.ts';
import type { ChangedInputs } from './local/input-changes.ts';
import type { CompactOptions, Garbage, GarbageOptions } from './local/maintenance.ts';
import type { PlanOptions } from './local/plan.ts';
import type { LocalReader } from './local/reader.ts';
import type { ChosenRows } from './local/row-changes.ts';
import type { SlotBook } from './local/slots.ts';
import type { IndexWriterOptions } from './local/vectors/index-writer.ts';
import type { VectorSearch } from './local/vectors/search/vector-search.ts';
import type { VersionPatch } from './local/versions/change.ts';
import type { NewVersion } from './local/versions/create.ts';
import type { LocalWriter, WriterOptions } from './local/writer.ts';

export { partsOf } from '../annotations/annotated-parts.ts';
export type { CheckOptions } from './local/check.ts';
export type { DatasetFields, DatasetPatch, DeletedDataset } from './local/dataset-changes.ts';
export type { AnnotationCounts, ConceptCount } from './local/dataset-counts.ts';
export type { ChangedMembers } from './local/dataset-members.ts';
export type { SplitResult, SplitRule } from './local/dataset-splits.ts';
export type { DatasetDetails, DatasetSummary } from './local/datasets.ts';
export type { BucketFiles } from './local/files/bucket-files.ts';
export type { StoreFinding, StoreSummary } from './local/findings.ts';
export type { MaintenanceOptions } from './local/held-store.ts';
export type { ChangedInputs } from './local/input-changes.ts';
export type { ListOptions } from './local/listing.ts';
export type { CompactOptions, Garbage, GarbageOptions } from './local/maintenance.ts';
export type { PlanOptions } from './local/plan.ts';
export type { LocalReader } from './local/reader.ts';
export type { ChosenRows } from './local/row-changes.ts';
export type { SlotBook, SlotRecord } from './local/slots.ts';
export type { IndexWriterOptions } from './local/vectors/index-writer.ts';
export type { NearestRequest, VectorSearch } from './local/vectors/search/vector-search.ts';
export type { VersionPatch } from './local/versions/change.ts';
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

/** The files of a store in a bucket, of which nothing is asked yet. */
export async function openBucket(root: string): Promise<BucketFiles> {
  const { BucketFiles } = await import('./local/files/bucket-files.ts');
  return BucketFiles.open(root);
}

/** The S3 server that stores in buckets are on; undefined for Amazon's. */
export async function bucketEndpoint(): Promise<string | undefined> {
  const { configuredEndpoint } = await import('../io/s3/objects.ts');
  return configuredEndpoint();
}

/** Opens the vectors that searches use; never waits. Throws FatalError STORE_NOT_FOUND and the like. */
export async function openVectorSearch(root: string): Promise<VectorSearch> {
  const { VectorSearch } = await import('./local/vectors/search/vector-search.ts');
  return VectorSearch.open(root);
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

/** Changes the name, description or metadata of a version; its content never changes. Takes the lock. */
export async function patchVersion(
  root: string,
  version: Pick<DatasetVersion, 'dataset' | 'id'>,
  patch: VersionPatch,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<DatasetVersion> {
  const local = await import('./local/versions/change.ts');
  return local.patchVersion(root, version, patch, options, ctx);
}

/** Removes a version; its parts and blobs go with `collectGarbage`. Takes the lock. */
export async function deleteVersion(
  root: string,
  version: Pick<DatasetVersion, 'dataset' | 'id'>,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<void> {
  const local = await import('./local/versions/change.ts');
  return local.deleteVersion(root, version, options, ctx);
}

/** Makes a dataset without inputs. Takes the lock. */
export async function createDataset(
  root: string,
  id: string,
  fields: DatasetFields,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<DatasetInfo> {
  const local = await import('./local/dataset-changes.ts');
  return local.createDataset(root, id, fields, options, ctx);
}

/** Changes what is said of a dataset. Takes the lock. */
export async function patchDataset(
  root: string,
  id: string,
  patch: DatasetPatch,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<DatasetInfo> {
  const local = await import('./local/dataset-changes.ts');
  return local.patchDataset(root, id, patch, options, ctx);
}

/** Removes a dataset; its inputs stay, its versions too unless asked for. Takes the lock. */
export async function deleteDataset(
  root: string,
  id: string,
  options: MaintenanceOptions & { versions?: boolean },
  ctx: Context,
): Promise<DeletedDataset> {
  const local = await import('./local/dataset-changes.ts');
  return local.deleteDataset(root, id, options, ctx);
}

/** Adds inputs, or those of another dataset, to a dataset. Takes the lock. */
export async function addMembers(
  root: string,
  dataset: string,
  members: ChosenRows,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedMembers> {
  const local = await import('./local/dataset-members.ts');
  return local.addMembers(root, dataset, members, options, ctx);
}

/** Takes inputs, or those of another dataset, out of a dataset. Takes the lock. */
export async function removeMembers(
  root: string,
  dataset: string,
  members: ChosenRows,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedMembers> {
  const local = await import('./local/dataset-members.ts');
  return local.removeMembers(root, dataset, members, options, ctx);
}

/** Sets the splits of a dataset's inputs. Takes the lock. */
export async function splitDataset(
  root: string,
  dataset: string,
  rule: SplitRule,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<SplitResult> {
  const local = await import('./local/dataset-splits.ts');
  return local.splitDataset(root, dataset, rule, options, ctx);
}

/** Stores an annotation filter under a new name. Takes the lock. */
export async function createFilter(
  root: string,
  id: string,
  filter: AnnotationFilter,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<StoredFilter> {
  const local = await import('./local/filter-changes.ts');
  return local.createFilter(root, id, filter, options, ctx);
}

/** Changes a stored filter; versions keep what they were made with. Takes the lock. */
export async function patchFilter(
  root: string,
  id: string,
  patch: { action: 'merge' | 'overwrite'; filter: AnnotationFilter },
  options: MaintenanceOptions,
  ctx: Context,
): Promise<StoredFilter> {
  const local = await import('./local/filter-changes.ts');
  return local.patchFilter(root, id, patch, options, ctx);
}

/** Removes a stored filter that is no dataset's default one. Takes the lock. */
export async function deleteFilter(
  root: string,
  id: string,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<void> {
  const local = await import('./local/filter-changes.ts');
  return local.deleteFilter(root, id, options, ctx);
}

/** Patches inputs, beside their media. Takes the lock. */
export async function patchInputs(
  root: string,
  ids: readonly string[],
  patch: { action: PatchAction; patch: Metadata },
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedInputs> {
  const local = await import('./local/input-changes.ts');
  return local.patchInputs(root, ids, patch, options, ctx);
}

/** Deletes the annotations of inputs; their own concepts stay. Takes the lock. */
export async function deleteAnnotations(
  root: string,
  ids: readonly string[],
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedInputs> {
  const local = await import('./local/input-changes.ts');
  return local.deleteAnnotations(root, ids, options, ctx);
}

/**
 * Takes the right to write an export of the store at `root` to `out`. Throws FatalError STORE_LOCKED or
 * STORE_NOT_FOUND.
 */
export async function lockOutput(
  root: string,
  out: string,
  options: { dataset: string; wait: boolean },
  ctx: Context,
): Promise<{ release(): Promise<void> }> {
  const { lockOutput: lock } = await import('./local/output-lock.ts');
  return lock(root, out, options, ctx);
}

/** The slots of a pipeline's schedule, kept in the store at `root`, which is made where there is none. */
export async function openSlots(root: string, pipeline: string, clock: Clock): Promise<SlotBook> {
  const { SlotBook } = await import('./local/slots.ts');
  return SlotBook.open(root, pipeline, clock);
}

/** What the store's index is and is to become. Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT. */
export async function readIndexState(root: string): Promise<IndexState> {
  const local = await import('./local/vectors/state.ts');
  return local.readIndexState(root);
}

/** Replaces the state of the index, one process after another; makes the store where there is none. */
export async function changeIndexState(
  root: string,
  change: (state: IndexState) => IndexState,
  ctx: Context,
): Promise<IndexState> {
  const local = await import('./local/vectors/state.ts');
  return local.changeIndexState(root, change, ctx);
}

/**
 * Takes the index of the store at `root` for writing vectors of these models, and makes the store where there is none.
 * The store's own lock is not taken.
 *
 * Throws FatalError STORE_LOCKED, MODEL_INVALID, and what `openWriter` throws.
 */
export async function openIndexWriter(
  root: string,
  models: readonly IndexedModel[],
  options: IndexWriterOptions,
  ctx: Context,
): Promise<IndexWriter> {
  const { LocalIndexWriter } = await import('./local/vectors/index-writer.ts');
  return LocalIndexWriter.open(root, models, options, ctx);
}

/** How far the index is for each model of a generation, in its order. In flat memory. */
export async function indexCoverage(
  root: string,
  generation: Generation,
  ctx: Context,
): Promise<ModelCoverage[]> {
  const local = await import('./local/vectors/coverage.ts');
  return local.indexCoverage(root, generation, ctx);
}

/** The platform’s counters of the index. In flat memory. */
export async function indexCounts(root: string, ctx: Context): Promise<IndexCounts> {
  const local = await import('./local/vectors/coverage.ts');
  return local.indexCounts(root, ctx);
}

/**
 * Removes the vectors of models that no generation of the state names, and returns how many models there were. For the
 * holder of the index’s lock.
 */
export async function dropUnusedVectors(root: string, state: IndexState, ctx: Context): Promise<number> {
  const local = await import('./local/vectors/upkeep.ts');
  return local.dropUnusedVectors(root, state, ctx);
}

/**
 * Removes, of the models that a state names beside those of its base, the rows of inputs that are gone or changed. For
 * the holder of the index’s lock.
 */
export async function removeStaleOfOthers(root: string, state: IndexState, ctx: Context): Promise<number> {
  const local = await import('./local/vectors/upkeep.ts');
  return local.removeStaleOfOthers(root, state, ctx);
}

/**
 * Brings the indexes of a model’s vectors up to date, at the end of a re-index, and returns whether there is an
 * approximate one, as there is from `threshold` rows on (250 000 unless given). For the holder of the index’s lock.
 */
export async function ensureVectorIndex(
  root: string,
  fingerprint: string,
  options: { threshold?: number },
  ctx: Context,
): Promise<boolean> {
  const local = await import('./local/vectors/vector-search-index.ts');
  return local.ensureVectorIndex(root, fingerprint, options, ctx);
}
