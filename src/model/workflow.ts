import type { Dtype, ModelRef } from './embedding.ts';
import type { Kind } from './kind.ts';

/** The workflow that indexes nothing; every store begins with it. */
export const EMPTY_WORKFLOW = 'Empty';

/** One model of a workflow, for inputs of one kind. */
export interface WorkflowNode extends ModelRef {
  /** Unique among the models of its kind; a search names it. */
  name: string;
  /** Of a video: a frame is embedded every so many milliseconds, 100–60 000 (the platform's range). */
  sampleMs?: number;
  /** Of a video: `sampleMs` is raised until there are no more frames than these. */
  maxFrames?: number;
}

/** How every input of a store is indexed: the platform's base workflow. */
export interface Workflow {
  name: string;
  /** One or more models for each kind; the first one is a search's default. */
  nodes: Partial<Record<Kind, WorkflowNode[]>>;
  /** Each box annotation of an image is embedded as well. */
  regions: boolean;
}

/** A node whose model was opened, so that it is known what its vectors are. */
export interface IndexedModel {
  kind: Kind;
  node: WorkflowNode;
  /** Of the vectors in its table: the model's fingerprint, and how frames and regions are taken. */
  fingerprint: string;
  space: string;
  dimensions: number;
  normalised: boolean;
  dtype: Dtype;
}

/** A workflow with the fingerprints that it had at a time. */
export interface Generation {
  /** Of the workflow's fingerprints; equal for equal ones. */
  id: string;
  workflow: string;
  regions: boolean;
  models: IndexedModel[];
  /** ISO 8601. */
  createdAt: string;
  /** When searches began to use it. */
  cutOverAt?: string;
}

/** What the store's index is and is to become; one small document, replaced as a whole. */
export interface IndexState {
  schema: 1;
  type: 'index';
  /** By name. */
  workflows: Workflow[];
  /** Of new inputs, and what a re-index works towards; without models where the workflow is Empty. */
  base: Generation;
  /** What searches use: `base`, unless that is not whole yet. */
  serving: Generation;
  /** What `revert` goes back to, the newest first. */
  previous: Generation[];
}

/** The platform's counters of its index (`GetInputCount`), of one generation. */
export interface IndexCounts {
  /** Inputs that have all vectors of the serving generation. */
  processed: number;
  to_process: number;
  errors: number;
  processing: number;
  /** The same, of a base that is not whole yet. */
  reindexed: number;
  to_reindex: number;
  reindex_errors: number;
  reindexing: number;
}
