import { parseModelRef } from '../../embed/index.ts';
import { FatalError } from '../../model/errors.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import type { RunEnvironment } from '../environment.ts';
import { reindex } from '../indexing/reindex.ts';
import { type NodeRequest, type SetWorkflowRequest, setWorkflow } from '../indexing/workflow.ts';
import type { RunReport } from '../report.ts';
import { absolute } from './paths.ts';
import type { ReadPipeline } from './read.ts';
import type { ModelEntry, ReindexEntry } from './reindex-schema.ts';
import { type RunOverrides, storeOfPipeline } from './to-request.ts';

/** Gives the store the workflow that the pipeline names, if any, and brings its index up to it. */
export async function runReindexOf(
  { file, path, base, sha256 }: ReadPipeline,
  asked: ReindexEntry,
  overrides: RunOverrides,
  env?: Partial<RunEnvironment>,
): Promise<RunReport> {
  const { options = {}, loader = {}, dryRun = false, wait = false } = overrides;
  const { maxRejected = file.on_failure?.maxRejected, ...others } = options;
  const [foreign] = [...Object.keys(others), ...Object.keys(loader)];
  if (foreign !== undefined) {
    throw new FatalError('CONFIG_INVALID', `the pipeline is a re-index, which has no option ${foreign}`);
  }
  const { workflow, device, keepGenerations } = asked;
  const shared = {
    store: storeOfPipeline({ file, base }, overrides),
    ...(device === undefined ? {} : { devices: device }),
    ...(keepGenerations === undefined ? {} : { keepGenerations }),
  };
  // A dry run leaves the store the workflow that it has.
  if (workflow !== undefined && !dryRun) await setWorkflow({ ...shared, ...workflowOf(workflow, base) }, env);
  return reindex(
    {
      ...shared,
      ...(maxRejected === undefined ? {} : { maxRejected: String(maxRejected) }),
      ...(path === undefined ? {} : { pipeline: { file: path, sha256 } }),
      dryRun,
      wait,
    },
    env,
  );
}

function workflowOf(
  workflow: NonNullable<ReindexEntry['workflow']>,
  base: string,
): Pick<SetWorkflowRequest, 'name' | 'models' | 'regions'> {
  const models: Partial<Record<Kind, NodeRequest[]>> = {};
  for (const kind of KINDS) {
    const given = workflow[kind] as ModelEntry | ModelEntry[] | undefined;
    if (given !== undefined) models[kind] = [given].flat().map((entry) => nodeOf(entry, base));
  }
  const { name, regions } = workflow;
  return { name, models, ...(regions === undefined ? {} : { regions }) };
}

/** A path that begins with a dot starts from the pipeline's folder; anything else is what it is elsewhere. */
function nodeOf(entry: ModelEntry, base: string): NodeRequest {
  const node = (typeof entry === 'string' ? parseModelRef(entry) : entry) as NodeRequest;
  return /^\.{1,2}[\\/]/.test(node.model) ? { ...node, model: absolute(node.model, base) } : node;
}
