import { z } from 'zod';
import type { Context } from '../../../model/contracts.ts';
import { DTYPES } from '../../../model/embedding.ts';
import { FatalError, SluiceError } from '../../../model/errors.ts';
import { KINDS } from '../../../model/kind.ts';
import { EMPTY_WORKFLOW, type Generation, type IndexState } from '../../../model/workflow.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { findStore, makeStore } from '../layout.ts';
import { StoreLock } from '../lock.ts';
import { indexPaths, makeIndexFolders } from './index-paths.ts';

const SCHEMA_VERSION = 1;

/** What has a table of its own is named by it, so a fingerprint is no path and no SQL. */
const fingerprint = z.string().regex(/^[0-9A-Za-z]+$/);

const node = z.looseObject({
  name: z.string(),
  model: z.string(),
  dtype: z.enum(DTYPES).optional(),
  pooling: z.enum(['mean', 'cls', 'last', 'none']).optional(),
  maxTokens: z.int().optional(),
  documentPrompt: z.string().optional(),
  queryPrompt: z.string().optional(),
  sampleMs: z.number().optional(),
  maxFrames: z.int().optional(),
});

const generation = z.looseObject({
  id: z.string(),
  workflow: z.string(),
  regions: z.boolean(),
  models: z.array(
    z.looseObject({
      kind: z.enum(KINDS),
      node,
      fingerprint,
      space: z.string(),
      dimensions: z.int().min(1),
      normalised: z.boolean(),
      dtype: z.enum(DTYPES),
    }),
  ),
  createdAt: z.string(),
  cutOverAt: z.string().optional(),
});

/** Loose, so that what a later version adds within the schema is kept. */
const stateShape = z.looseObject({
  schema: z.literal(SCHEMA_VERSION),
  type: z.literal('index'),
  workflows: z.array(
    z.looseObject({
      name: z.string(),
      nodes: z.partialRecord(z.enum(KINDS), z.array(node)),
      regions: z.boolean(),
    }),
  ),
  base: generation,
  serving: generation,
  previous: z.array(generation),
});

/** Of a store whose base workflow was never set. */
const EMPTY_GENERATION: Generation = {
  id: EMPTY_WORKFLOW,
  workflow: EMPTY_WORKFLOW,
  regions: false,
  models: [],
  createdAt: new Date(0).toISOString(),
};

const emptyState = (): IndexState => ({
  schema: SCHEMA_VERSION,
  type: 'index',
  workflows: [],
  base: EMPTY_GENERATION,
  serving: EMPTY_GENERATION,
  previous: [],
});

/** Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT. */
export async function readIndexState(root: string): Promise<IndexState> {
  const paths = await findStore(root);
  try {
    return await readState(indexPaths(paths).state, paths.files);
  } finally {
    paths.files.close();
  }
}

/**
 * Replaces the state by what `change` makes of it, whole and durably; makes the store where there is none. Changes of
 * several processes follow each other. What `change` throws leaves the state as it was; it may not wait.
 *
 * Throws FatalError as `makeStore` and `readIndexState` do.
 */
export async function changeIndexState(
  root: string,
  change: (state: IndexState) => IndexState,
  ctx: Context,
): Promise<IndexState> {
  const store = await makeStore(root, ctx.clock, ctx.signal);
  const { files } = store;
  const { state: path, stateLock } = await makeIndexFolders(store);
  const request = { runId: 'workflow', wait: true, what: 'the state of the index' };
  const lock = await StoreLock.acquire(files.lock(stateLock, ctx.clock), request, ctx);
  try {
    const state = await readState(path, files);
    const changed = change(state);
    if (changed !== state) await files.write(path, `${JSON.stringify(changed)}\n`);
    return changed;
  } finally {
    await lock.release();
    files.close();
  }
}

async function readState(path: string, files: StoreFiles): Promise<IndexState> {
  let text: string | undefined;
  try {
    text = (await files.read(path))?.toString();
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new FatalError('STORE_CORRUPT', `${path} cannot be read`, { cause });
  }
  if (text === undefined) return emptyState();
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new FatalError('STORE_CORRUPT', `${path} is not JSON`, { cause });
  }
  const schema = (document as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > SCHEMA_VERSION) {
    throw new FatalError(
      'STORE_SCHEMA_NEWER',
      `the index of the store has schema ${schema} (${path}); this version knows ${SCHEMA_VERSION}`,
      { measured: schema, limit: SCHEMA_VERSION },
    );
  }
  const { success, data, error } = stateShape.safeParse(document);
  if (success) return data as IndexState;
  const [issue] = error.issues;
  throw new FatalError(
    'STORE_CORRUPT',
    `${path} does not describe an index: ${issue?.path.join('.')}: ${issue?.message}`,
    { cause: error },
  );
}
