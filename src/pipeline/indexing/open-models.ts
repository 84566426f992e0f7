import { findTowers, generationId, nodeFingerprint, openEmbedder } from '../../embed/index.ts';
import type { Context } from '../../model/contracts.ts';
import { DEVICES, type Device, type Embedder, type Modality, type ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import type { Generation, IndexedModel, Workflow, WorkflowNode } from '../../model/workflow.ts';
import { contextOf, type RunEnvironment } from '../environment.ts';

/** Frames of a video are images. */
export const MODALITY_OF: Readonly<Record<Kind, Modality>> = {
  image: 'image',
  video: 'image',
  text: 'text',
  audio: 'audio',
};

/** The embedders of a generation; models of equal reference and modality share one. */
export class OpenModels {
  readonly generation: Generation;
  readonly #embedders: ReadonlyMap<string, Embedder>;

  constructor(generation: Generation, embedders: ReadonlyMap<string, Embedder>) {
    this.generation = generation;
    this.#embedders = embedders;
  }

  /** The same models, as the generation that they were opened for. */
  as(generation: Generation): OpenModels {
    return new OpenModels(generation, this.#embedders);
  }

  embedderOf({ kind, node }: Pick<IndexedModel, 'kind' | 'node'>): Embedder {
    return this.#embedders.get(keyOf(node, MODALITY_OF[kind]))!;
  }

  /** Of a kind, without those whose vectors are the same. */
  modelsOf(kind: Kind): IndexedModel[] {
    const models = new Map<string, IndexedModel>();
    for (const model of this.generation.models) {
      if (model.kind === kind && !models.has(model.fingerprint)) models.set(model.fingerprint, model);
    }
    return [...models.values()];
  }

  async close(): Promise<void> {
    await closeAll(this.#embedders);
  }
}

/**
 * Opens all models of a workflow, and finds out what its vectors are known by.
 *
 * Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED or DEVICE_UNAVAILABLE.
 */
export async function openWorkflow(
  workflow: Workflow,
  devices: readonly Device[],
  env: RunEnvironment,
): Promise<OpenModels> {
  const embedders = new Map<string, Embedder>();
  const models: IndexedModel[] = [];
  const { regions } = workflow;
  try {
    for (const kind of KINDS) {
      for (const node of workflow.nodes[kind] ?? []) {
        const modality = MODALITY_OF[kind];
        const key = keyOf(node, modality);
        if (!embedders.has(key)) embedders.set(key, await openModel(refOf(node), modality, devices, env));
        const { fingerprint, space, dimensions, normalised, dtype } = embedders.get(key)!.info;
        models.push({
          kind,
          node,
          fingerprint: nodeFingerprint(fingerprint, { kind, node, regions }),
          space,
          dimensions,
          normalised,
          dtype,
        });
      }
    }
  } catch (error) {
    await closeAll(embedders);
    throw error;
  }
  const generation: Generation = {
    id: generationId(models, regions),
    workflow: workflow.name,
    regions,
    models,
    createdAt: new Date(env.clock.now()).toISOString(),
  };
  return new OpenModels(generation, embedders);
}

/** Opens the models of a generation as they were. Throws FatalError MODEL_CHANGED where their files are others now. */
export async function openGeneration(
  generation: Generation,
  devices: readonly Device[],
  env: RunEnvironment,
): Promise<OpenModels> {
  const models = await openWorkflow(workflowOf(generation), devices, env);
  const changed = generation.models.filter(
    (known, i) => models.generation.models[i]!.fingerprint !== known.fingerprint,
  );
  if (changed.length === 0) return models;
  await models.close();
  const named = changed.map(({ kind, node }) => `${node.model} (${kind})`).join(', ');
  throw new FatalError(
    'MODEL_CHANGED',
    `the files of ${named} are not those that the workflow ${generation.workflow} was set with`,
  );
}

/** The workflow of a generation, with its models in the order of the kinds. */
export function workflowOf({ workflow, regions, models }: Generation): Workflow {
  const nodes: Workflow['nodes'] = {};
  for (const { kind, node } of models) {
    nodes[kind] ??= [];
    nodes[kind].push(node);
  }
  return { name: workflow, nodes, regions };
}

/** One side of a model; that of the environment, where it brings one. */
async function openModel(
  ref: ModelRef,
  modality: Modality,
  devices: readonly Device[],
  env: RunEnvironment,
): Promise<Embedder> {
  const ctx: Context = { ...contextOf(env), searchPath: env.searchPath };
  if (env.openModel !== undefined) return env.openModel(ref, modality, ctx);
  const { cacheDir } = env;
  const towers = await findTowers(ref, env, ctx);
  const tower = towers.find((one) => one.modality === modality);
  if (tower === undefined) {
    const has = towers.map((one) => one.modality).join(' and ');
    throw new FatalError('MODEL_UNSUPPORTED', `the model ${ref.model} takes ${has}, and no ${modality}`);
  }
  return openEmbedder(tower, { devices: devices.length === 0 ? DEVICES : devices, cacheDir }, ctx);
}

function refOf({ model, dtype, pooling, maxTokens, documentPrompt, queryPrompt }: WorkflowNode): ModelRef {
  const given = { dtype, pooling, maxTokens, documentPrompt, queryPrompt };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { model, ...Object.fromEntries(set) };
}

const keyOf = (node: WorkflowNode, modality: Modality): string => JSON.stringify([modality, refOf(node)]);

async function closeAll(embedders: ReadonlyMap<string, Embedder>): Promise<void> {
  await Promise.all([...embedders.values()].map((embedder) => embedder.close()));
}
