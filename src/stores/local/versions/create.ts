import { annotationTest } from '../../../annotations/filter.ts';
import { parseFilter } from '../../../formats/annotation-filter.ts';
import type { ConceptDefinition } from '../../../model/annotation.ts';
import type { Context } from '../../../model/contracts.ts';
import type { AnnotationFilter, DatasetVersion } from '../../../model/dataset.ts';
import { FatalError } from '../../../model/errors.ts';
import type { Metadata } from '../../../model/labels.ts';
import { listConcepts } from '../concepts.ts';
import { noDataset, noFilter } from '../dataset-errors.ts';
import { listFilters } from '../dataset-filters.ts';
import { checkName } from '../dataset-name.ts';
import { findDataset } from '../dataset-table.ts';
import { assertFreeSpace, RESERVE_BYTES } from '../free-space.ts';
import { changeStore, type HeldStore, type MaintenanceOptions } from '../held-store.ts';
import { type Connection, findTable } from '../lance.ts';
import type { StorePaths } from '../layout.ts';
import { listRows } from '../listing.ts';
import { ChunkWriter } from './chunks.ts';
import { ContentHash } from './content-hash.ts';
import { VersionCounter } from './counts.ts';
import { Cutter } from './cutter.ts';
import { lineOf } from './line.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';

export interface NewVersion extends MaintenanceOptions {
  dataset: string;
  /** Unique within the dataset; from the time, `20261121T104512345`, unless given. */
  id?: string;
  name?: string;
  description?: string;
  metadata?: Metadata;
  /** Which annotations it takes; unless one of the two is given, the dataset's default filter decides. */
  filter?: AnnotationFilter;
  filterId?: string;
}

/**
 * Makes a version of a dataset as it is now, in one pass and bounded memory. It is there whole or not at all.
 *
 * Throws FatalError DATASET_NOT_FOUND, DATASET_EXISTS (the version's id is taken), FILTER_NOT_FOUND, STORE_FULL,
 * STORE_LOCKED and the like.
 */
export function createVersion(root: string, request: NewVersion, ctx: Context): Promise<DatasetVersion> {
  if (request.id !== undefined) checkName('dataset version', request.id);
  return changeStore(root, 'datasets version', request, ctx, async (store) => {
    const { dataset } = request;
    const id = await versionId(store.paths, request, ctx.clock.now());
    const filter = await chosenFilter(store.connection, request);
    await assertFreeSpace(root, RESERVE_BYTES);
    const { counts, ...content } = await writeContent(store, dataset, filter.filter, ctx);
    if (counts.metrics.inputsCount === 0) {
      ctx.logger.warn({ dataset, version: id }, 'the dataset has no inputs, and so has its version');
    }
    const { name, description, metadata = {} } = request;
    const version: DatasetVersion = {
      dataset,
      id,
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      metadata,
      createdAt: new Date(ctx.clock.now()).toISOString(),
      ...filter,
      contentHash: content.contentHash,
      ...counts,
      annotationsLeftOut: content.annotationsLeftOut,
    };
    await writeManifest(store.paths, { version, concepts: content.concepts, chunks: content.chunks });
    return version;
  });
}

async function versionId(paths: StorePaths, { dataset, id }: NewVersion, now: number): Promise<string> {
  const isTaken = async (wanted: string) => (await readManifest(paths, dataset, wanted)) !== undefined;
  if (id !== undefined) {
    if (!(await isTaken(id))) return id;
    throw new FatalError('DATASET_EXISTS', `the dataset ${dataset} has a version ${id} already`);
  }
  const ofTime = new Date(now).toISOString().replace(/[-:.Z]/g, '');
  for (let n = 1; ; n++) {
    const wanted = n === 1 ? ofTime : `${ofTime}-${n}`;
    if (!(await isTaken(wanted))) return wanted;
  }
}

async function chosenFilter(
  connection: Connection,
  request: NewVersion,
): Promise<Pick<DatasetVersion, 'filter' | 'filterId'>> {
  const dataset = await findDataset(connection, request.dataset);
  if (dataset === undefined) throw await noDataset(connection, request.dataset);
  if (request.filter !== undefined) return { filter: parseFilter(request.filter) };
  const filterId = request.filterId ?? dataset.defaultFilterId;
  if (filterId === undefined) return {};
  const filters = await listFilters(connection);
  const stored = filters.find(({ id }) => id === filterId);
  if (stored === undefined) throw noFilter(filterId, filters);
  return { filter: stored.filter, filterId };
}

async function writeContent(
  { paths, connection, inputs }: HeldStore,
  dataset: string,
  filter: AnnotationFilter | undefined,
  ctx: Context,
) {
  const takes = annotationTest(filter);
  const cutter = new Cutter();
  const writer = new ChunkWriter(paths);
  const counter = new VersionCounter();
  const contentHash = new ContentHash();
  let annotationsLeftOut = 0;
  try {
    if (inputs !== undefined) {
      for await (const row of listRows(() => findTable(connection, 'inputs'), { dataset })) {
        ctx.signal.throwIfAborted();
        const { line, leftOut } = lineOf(row, takes);
        annotationsLeftOut += leftOut;
        counter.add(line);
        contentHash.add(line);
        const cut = cutter.add(line.id, JSON.stringify(line));
        if (cut !== undefined) await writer.add(cut);
      }
    }
    const rest = cutter.end();
    if (rest !== undefined) await writer.add(rest);
  } finally {
    await writer.settle();
  }
  const chunks = await writer.finish();
  const counts = counter.counts();
  const concepts = definitionsOf(counts.concepts, await listConcepts(connection));
  return { chunks, concepts, counts, contentHash: contentHash.digest(), annotationsLeftOut };
}

/** Of the concepts that the version has, those that are declared in their order, then the others by id. */
function definitionsOf(
  used: DatasetVersion['concepts'],
  declared: readonly ConceptDefinition[],
): Manifest['concepts'] {
  const known = declared.filter(({ id }) => Object.hasOwn(used, id));
  const ids = new Set(known.map(({ id }) => id));
  const others = Object.entries(used).filter(([id]) => !ids.has(id));
  return [...known, ...others.map(([id, { name }]) => ({ id, name }))];
}
