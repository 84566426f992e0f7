import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_MODEL, describeRef, workflowNodeSchema } from '../../embed/index.ts';
import { resolvePlace } from '../../io/place.ts';
import { MAX_FRAMES, SAMPLE_MS } from '../../media/frames.ts';
import type { Device, ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import type { ModelCoverage } from '../../model/vector-index.ts';
import {
  EMPTY_WORKFLOW,
  type Generation,
  type IndexCounts,
  type Workflow,
  type WorkflowNode,
} from '../../model/workflow.ts';
import { changeIndexState, indexCounts, indexCoverage, readIndexState } from '../../stores/index.ts';
import { parseOptions } from '../config.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import { isServed, withBase, withCutOver, withRevert } from './generations.ts';
import { openWorkflow } from './open-models.ts';
import { KEPT_GENERATIONS } from './reindex-request.ts';

/** A model as a request names it; its name is that of the model unless given. */
export type NodeRequest = ModelRef & Partial<WorkflowNode>;

export interface SetWorkflowRequest {
  /** Folder of the store, which is made where there is none. */
  store: string;
  name: string;
  /** For inputs of each kind, the first one being a search's default. Without any, the workflow of the name is taken. */
  models?: Partial<Record<Kind, readonly NodeRequest[]>>;
  /** Embed each box annotation of an image as well. */
  regions?: boolean;
  /** False: searches use the workflow at once, and only new inputs are embedded under it. */
  reindex?: boolean;
  devices?: readonly Device[];
  keepGenerations?: number;
}

/** What the base workflow is now. */
export interface WorkflowSet {
  workflow: Workflow;
  generation: string;
  /** Whether searches use it already. */
  serving: boolean;
  /** Inputs without all of its vectors. */
  waiting: number;
}

/**
 * Makes a workflow the base of a store. Searches use it at once where nothing waits for a re-index, where nothing was
 * searched before, or where no re-index is wanted; else when the next re-index is through.
 *
 * Throws FatalError WORKFLOW_NOT_FOUND, CONFIG_INVALID, and what keeps its models from being opened.
 */
export async function setWorkflow(
  request: SetWorkflowRequest,
  given?: Partial<RunEnvironment>,
): Promise<WorkflowSet> {
  const env = environment(given);
  const ctx = contextOf(env);
  const store = resolvePlace(request.store);
  const { devices = [], keepGenerations = KEPT_GENERATIONS } = request;
  const workflow = namesModels(request) ? workflowOfRequest(request) : await knownWorkflow(store, request);
  const models = await openWorkflow(workflow, devices, env);
  await models.close();
  const { generation } = models;
  // Makes the store where there is none, so that its inputs can be counted.
  await changeIndexState(store, (state) => state, ctx);
  const waiting = await waitingUnder(store, generation, env);
  const state = await changeIndexState(
    store,
    (before) => {
      const based = withBase({ ...before, workflows: withWorkflow(before.workflows, workflow) }, generation);
      const atOnce = waiting === 0 || before.serving.models.length === 0 || request.reindex === false;
      return atOnce ? withCutOver(based, keepGenerations, env.clock.now()) : based;
    },
    ctx,
  );
  return { workflow, generation: generation.id, serving: isServed(state), waiting };
}

/** Searches, and new inputs, go back to the workflow before. */
export async function revertWorkflow(
  store: string,
  given?: Partial<RunEnvironment>,
): Promise<Omit<WorkflowSet, 'workflow'> & { workflow: string }> {
  const env = environment(given);
  await readIndexState(resolvePlace(store));
  const { base } = await changeIndexState(resolvePlace(store), withRevert, contextOf(env));
  const waiting = await waitingUnder(resolvePlace(store), base, env);
  return { workflow: base.workflow, generation: base.id, serving: true, waiting };
}

export interface ListedWorkflow extends Workflow {
  base: boolean;
  serving: boolean;
}

/** All workflows that a store knows, `Empty` first. */
export async function listWorkflows(store: string): Promise<ListedWorkflow[]> {
  const state = await readIndexState(resolvePlace(store));
  const empty: Workflow = { name: EMPTY_WORKFLOW, nodes: {}, regions: false };
  return [empty, ...state.workflows].map((workflow) => ({
    ...workflow,
    base: state.base.workflow === workflow.name,
    serving: state.serving.workflow === workflow.name,
  }));
}

export interface ShownWorkflow extends ListedWorkflow {
  /** Of a workflow that is the base, or that searches use. */
  generation?: Generation;
  coverage?: ModelCoverage[];
  /** Of the store's index: the platform's counters. */
  counts: IndexCounts;
  /** Workflows that revert goes back to, the newest first. */
  previous: string[];
}

/** A workflow, the base unless named, and how far the index is. Throws FatalError WORKFLOW_NOT_FOUND. */
export async function showWorkflow(
  store: string,
  name: string | undefined,
  given?: Partial<RunEnvironment>,
): Promise<ShownWorkflow> {
  const ctx = contextOf(environment(given));
  const root = resolvePlace(store);
  const state = await readIndexState(root);
  const workflows = await listWorkflows(root);
  const wanted = name ?? state.base.workflow;
  const found = workflows.find((workflow) => workflow.name === wanted);
  if (found === undefined) throw noWorkflow(wanted, workflows);
  const generation = [state.base, state.serving].find(({ workflow }) => workflow === wanted);
  return {
    ...found,
    ...(generation === undefined ? {} : { generation, coverage: await indexCoverage(root, generation, ctx) }),
    counts: await indexCounts(root, ctx),
    previous: state.previous.map(({ workflow }) => workflow),
  };
}

/** Inputs that are not embedded under all models of a generation. */
async function waitingUnder(store: string, generation: Generation, env: RunEnvironment): Promise<number> {
  const coverage = await indexCoverage(store, generation, contextOf(env));
  const waits = new Map<Kind, number>();
  for (const { kind, inputs, indexed } of coverage) {
    waits.set(kind, Math.max(waits.get(kind) ?? 0, inputs - indexed));
  }
  return [...waits.values()].reduce((sum, count) => sum + count, 0);
}

const namesModels = ({ models = {} }: SetWorkflowRequest): boolean =>
  KINDS.some((kind) => (models[kind]?.length ?? 0) > 0);

/** One that the store knows already. */
async function knownWorkflow(store: string, { name, regions }: SetWorkflowRequest): Promise<Workflow> {
  if (regions !== undefined)
    throw new FatalError('CONFIG_INVALID', 'regions are for a workflow with models; name them as well');
  if (name === EMPTY_WORKFLOW) return { name, nodes: {}, regions: false };
  const { workflows } = await readIndexState(store);
  const known = workflows.find((workflow) => workflow.name === name);
  if (known !== undefined) return known;
  throw noWorkflow(name, [{ name: EMPTY_WORKFLOW }, ...workflows]);
}

function workflowOfRequest({ name, models = {}, regions = false }: SetWorkflowRequest): Workflow {
  if (name === EMPTY_WORKFLOW)
    throw new FatalError('CONFIG_INVALID', `the workflow ${EMPTY_WORKFLOW} has no models; take another name`);
  if (name.trim() === '' || name.length > 100)
    throw new FatalError('CONFIG_INVALID', 'the name of a workflow has 1 to 100 characters');
  if (regions && (models.image?.length ?? 0) === 0)
    throw new FatalError('CONFIG_INVALID', 'regions are boxes of images; name a model for image');
  const nodes: Workflow['nodes'] = {};
  for (const kind of KINDS) {
    const of = models[kind] ?? [];
    if (of.length > 0) nodes[kind] = nodesOf(kind, of);
  }
  return { name, nodes, regions };
}

function nodesOf(kind: Kind, models: readonly NodeRequest[]): WorkflowNode[] {
  const nodes = models.map((model) => nodeOf(kind, model));
  const names = nodes.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  const same = nodes.find((node, i) => nodes.findIndex((other) => isSame(node, other)) !== i);
  if (same !== undefined)
    throw new FatalError('CONFIG_INVALID', `the model ${describeRef(same)} is given twice for ${kind}`);
  if (twice === undefined) return nodes;
  throw new FatalError(
    'CONFIG_INVALID',
    `two models for ${kind} have the name ${twice}; name them: --${kind} NAME=MODEL`,
  );
}

const isSame = ({ name: _, ...one }: WorkflowNode, { name: __, ...other }: WorkflowNode): boolean =>
  isDeepStrictEqual(one, other);

function nodeOf(kind: Kind, request: NodeRequest): WorkflowNode {
  const isVideo = kind === 'video';
  if (!isVideo && (request.sampleMs ?? request.maxFrames) !== undefined)
    throw new FatalError(
      'CONFIG_INVALID',
      'sampleMs and maxFrames are for the frames of videos; name a model for video',
    );
  const { name = nameOf(request.model), model } = request;
  const sampling = { sampleMs: SAMPLE_MS.usual, maxFrames: MAX_FRAMES };
  const node = { ...(isVideo ? sampling : {}), ...request, name, model: absolute(model) };
  return parseOptions(workflowNodeSchema, node, `the model ${model} for ${kind}`) as WorkflowNode;
}

const nameOf = (model: string): string => basename(model).split('@')[0] || model;

/** Other commands are run in other folders. */
const absolute = (model: string): string =>
  model !== DEFAULT_MODEL && existsSync(model) ? resolve(model) : model;

const withWorkflow = (workflows: readonly Workflow[], workflow: Workflow): Workflow[] =>
  workflow.name === EMPTY_WORKFLOW
    ? [...workflows]
    : [...workflows.filter(({ name }) => name !== workflow.name), workflow];

const noWorkflow = (name: string, known: readonly { name: string }[]): FatalError =>
  new FatalError(
    'WORKFLOW_NOT_FOUND',
    `there is no workflow ${name}; there are ${known.map((workflow) => workflow.name).join(', ')}`,
  );
