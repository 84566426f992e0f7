import { z } from 'zod';
import { workflowNodeSchema } from '../../embed/index.ts';
import { DEVICES } from '../../model/embedding.ts';
import type { Kind } from '../../model/kind.ts';

/** Nodes of the platform's workflows that a store's base workflow does not have. */
const OTHER_NODES = ['concept', 'concepts', 'cluster', 'clusters', 'classifier', 'detector'];

const node = workflowNodeSchema.partial({ name: true });
const modelsFor = (kind: Kind) =>
  z
    .union([z.string().min(1), node, z.array(z.union([z.string().min(1), node])).min(1)], {
      error: 'expected a model (default, a folder, a hub id), { model, dtype, … }, or a list of them',
    })
    .optional()
    .describe(`The model, or models, for inputs of kind ${kind}`);

const workflow = z
  .strictObject({
    name: z.string().min(1).max(100).describe('What to call the workflow'),
    text: modelsFor('text'),
    image: modelsFor('image'),
    video: modelsFor('video'),
    audio: modelsFor('audio'),
    regions: z.boolean().optional().describe('Also embed each box annotation of an image'),
    ...Object.fromEntries(
      OTHER_NODES.map((name) => [
        name,
        z
          .never({ error: `a base workflow has embedding models only; ${name} nodes are not supported` })
          .optional(),
      ]),
    ),
  })
  .describe('The base workflow that the store is to have; the one that it has unless given');

/** `reindex:` of a pipeline file. */
export const reindexSchema = z.strictObject({
  store: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of the store, relative to this file, or s3://bucket/prefix; --store is stronger'),
  workflow: workflow.optional(),
  device: z
    .array(z.enum(DEVICES))
    .min(1)
    .optional()
    .describe('Tried in this order: cuda, webgpu, cpu unless given'),
  keepGenerations: z
    .int()
    .min(0)
    .max(20)
    .optional()
    .describe('Earlier indexes that stay, so that workflow revert is instant; 2 unless given'),
});

export type ReindexEntry = z.infer<typeof reindexSchema>;
/** A model as a pipeline file names it. */
export type ModelEntry = string | z.infer<typeof node>;
