import { access, constants } from 'node:fs/promises';
import { findTowers } from '../../embed/index.ts';
import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import type { Input } from '../../model/input.ts';
import type { Metric, SearchFilter } from '../../model/search.ts';
import type { Generation, IndexedModel } from '../../model/workflow.ts';
import { type LocalReader, openReader, openVectorSearch, type VectorSearch } from '../../stores/index.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import { quoted } from '../wording.ts';
import { candidates, chooseModel, type FindTowers } from './choose-model.ts';
import { describeQuery, toHit } from './describe.ts';
import { embedQuery, modalityOfQuery } from './embed-query.ts';
import { type CheckedRequest, checkRequest, type SearchRequest } from './request.ts';
import type { SearchResult } from './result.ts';

/** Characters of a hit's text. */
const SNIPPET = 200;
/** Distances are float32: what is as near as asked for must not be cut by its rounding. */
const ROUNDING = 1e-6;

/**
 * The inputs, or regions of images, that are nearest to a query.
 *
 * Throws FatalError CONFIG_INVALID, INDEX_EMPTY, INPUT_NOT_INDEXED, MODEL_CHANGED, SPACE_MISMATCH, those of the store
 * and of the engine; or what the model says of a query that it cannot embed.
 */
export async function search(
  request: SearchRequest,
  given: Partial<RunEnvironment> = {},
): Promise<SearchResult> {
  const env = environment(given);
  const ctx = contextOf(env);
  const find: FindTowers = (ref) => findTowers(ref, env, ctx);
  return searchWith(request, { cacheDir: env.cacheDir, find }, ctx);
}

/** `search`, with models from elsewhere. */
export async function searchWith(
  request: SearchRequest,
  models: { cacheDir: string; find: FindTowers },
  ctx: Context,
): Promise<SearchResult> {
  const checked = checkRequest(request);
  const { store } = checked;
  const reader = await openReader(store);
  try {
    const vectors = await openVectorSearch(store);
    try {
      return await answer(checked, { reader, vectors }, models, ctx);
    } finally {
      vectors.close();
    }
  } finally {
    reader.close();
  }
}

interface Opened {
  reader: LocalReader;
  vectors: VectorSearch;
}

async function answer(
  request: CheckedRequest,
  { reader, vectors }: Opened,
  models: { cacheDir: string; find: FindTowers },
  ctx: Context,
): Promise<SearchResult> {
  const { objects, metric, kinds, top, minScore, filter, query } = request;
  const { serving } = vectors.state;
  await refuseUnknown(request, reader);
  if (objects && !serving.regions && serving.models.length > 0) {
    throw new FatalError(
      'CONFIG_INVALID',
      `the workflow ${serving.workflow} embeds no regions; name one that does: sluice workflow set ${quoted(serving.workflow)} --regions`,
    );
  }
  // An input may be searched by among inputs of other kinds, such as an image among the frames of videos.
  const wanted = 'id' in query ? undefined : objects ? (['image'] as const) : kinds;
  const usable = candidates(serving, { model: request.model, kinds: wanted });
  if (usable.length === 0) throw indexEmpty(request, vectors);
  const { model, vector } = await queryVector(request, usable, { reader, vectors }, models, ctx);
  const searched = inSpace(serving, model, request);
  refuseOtherLength(vector, searched);
  const indexed = await vectors.coverage(searched);
  if (indexed.n === 0) throw noneIndexed(request, searched, indexed.of);
  const { found, approximate } = await vectors.nearest(
    {
      vector,
      metric,
      hits: objects ? 'regions' : 'inputs',
      top,
      maxDistance: minScore === undefined ? Number.POSITIVE_INFINITY : farthest(metric, minScore),
      filter,
      except: 'id' in query ? query.id : undefined,
      models: searched,
    },
    ctx.signal,
  );
  const texts = await vectors.beginnings(
    found.map(({ inputId }) => inputId),
    SNIPPET,
  );
  return {
    schema: 1,
    query: describeQuery(request),
    workflow: serving.workflow,
    models: searched.map(({ kind, node, fingerprint }) => ({
      kind,
      name: node.name,
      model: node.model,
      fingerprint,
    })),
    indexed,
    exact: !approximate,
    hits: found.map((hit, i) => toHit(hit, i + 1, metric, texts.get(hit.inputId))),
  };
}

/** What the user named and is not there: an input, a file, a dataset that the filter is about. */
async function refuseUnknown({ query, filter }: CheckedRequest, reader: LocalReader): Promise<void> {
  for (const dataset of filter === undefined ? [] : datasetsOf(filter)) await reader.requireDataset(dataset);
  if ('id' in query && (await reader.getInput(query.id)) === undefined) {
    throw new FatalError('CONFIG_INVALID', `there is no input ${query.id}; sluice inputs list shows the ids`);
  }
  const file = 'image' in query ? query.image : 'audio' in query ? query.audio : undefined;
  if (typeof file !== 'string') return;
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw new FatalError('SOURCE_NOT_FOUND', `${file} cannot be read`, { cause });
  }
}

async function queryVector(
  request: CheckedRequest,
  usable: readonly IndexedModel[],
  { reader, vectors }: Opened,
  { cacheDir, find }: { cacheDir: string; find: FindTowers },
  ctx: Context,
): Promise<{ model: IndexedModel; vector: Float32Array }> {
  const { query, store } = request;
  if (!('id' in query)) {
    const modality = modalityOfQuery(query);
    const { model, tower } = await chooseModel(usable, modality, vectors.state.serving, find);
    return { model, vector: await embedQuery(query, tower, cacheDir, ctx) };
  }
  const input = (await reader.getInput(query.id))!;
  const { serving } = vectors.state;
  const own = usable.filter(({ kind }) => kind === input.kind);
  const comparable = own.filter((model) => inSpace(serving, model, request).length > 0);
  if (own.length > 0 && comparable.length === 0) throw noSpace(input, request);
  for (const model of comparable) {
    const vector = await vectors.meanVector(input, model);
    if (vector !== undefined) return { model, vector };
  }
  throw new FatalError(
    'INPUT_NOT_INDEXED',
    `the input ${query.id} (${input.kind}) has no vector of the workflow ${serving.workflow}; run: sluice reindex --store ${quoted(store)}`,
  );
}

/** Models of one space give vectors of one length, unless a graph is not what its folder says. */
function refuseOtherLength({ length }: Float32Array, models: readonly IndexedModel[]): void {
  const other = models.find(({ dimensions }) => dimensions !== length);
  if (other === undefined) return;
  throw new FatalError(
    'SPACE_MISMATCH',
    `the query’s vector has ${length} numbers, those of ${other.node.name} (${other.kind}) ${other.dimensions}`,
    { measured: length, limit: other.dimensions },
  );
}

function datasetsOf(filter: SearchFilter): string[] {
  if ('all' in filter) return filter.all.flatMap(datasetsOf);
  if ('any' in filter) return filter.any.flatMap(datasetsOf);
  if ('not' in filter) return datasetsOf(filter.not);
  return 'dataset' in filter ? [filter.dataset] : [];
}

/** The models whose vectors can be compared with those of `model`, that one first where it is wanted. */
function inSpace(
  { models }: Generation,
  model: IndexedModel,
  { kinds, objects }: CheckedRequest,
): IndexedModel[] {
  const others = models.filter((other) => other !== model && other.space === model.space);
  return [model, ...others].filter(({ kind }) =>
    objects ? kind === 'image' : (kinds?.includes(kind) ?? true),
  );
}

function noSpace({ id, kind }: Input, { kinds, objects }: CheckedRequest): FatalError {
  const wanted = objects ? 'regions of images' : `inputs of kind ${kinds!.join(', ')}`;
  return new FatalError(
    'SPACE_MISMATCH',
    `no model of the index compares the input ${id} (${kind}) with ${wanted}`,
  );
}

function indexEmpty({ store, kinds, objects }: CheckedRequest, { state }: VectorSearch): FatalError {
  const { serving, base } = state;
  const at = `--store ${quoted(store)}`;
  const of = objects ? ' of kind image' : kinds === undefined ? '' : ` of kind ${kinds.join(', ')}`;
  const wanted = objects ? ['image'] : kinds;
  const isSet = [...serving.models, ...base.models].some(({ kind }) => wanted?.includes(kind) ?? true);
  const how = isSet
    ? `run: sluice reindex ${at}`
    : `run: sluice workflow set general --text default --image default --audio default ${at} && sluice reindex ${at}`;
  return new FatalError('INDEX_EMPTY', `no input${of} of ${store} is indexed for this search; ${how}`);
}

/** The models are there, and no vector of them. */
function noneIndexed({ store }: CheckedRequest, models: readonly IndexedModel[], inputs: number): FatalError {
  const kinds = models.map(({ kind }) => kind).join(' or ');
  const told =
    inputs === 0
      ? `${store} has no input of kind ${kinds}, which this search looks for`
      : `no input of kind ${kinds} of ${store} is indexed for this search; run: sluice reindex --store ${quoted(store)}`;
  return new FatalError('INDEX_EMPTY', told);
}

const farthest = (metric: Metric, minScore: number): number =>
  (metric === 'cosine' ? 1 - minScore : minScore <= 0 ? Number.POSITIVE_INFINITY : 1 / minScore - 1) +
  ROUNDING;
