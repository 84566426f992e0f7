import type { Embedder } from '../../model/embedding.ts';
import type { Input } from '../../model/input.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import type { IndexedModel } from '../../model/workflow.ts';
import { indexCoverage, type LocalReader, openReader, readIndexState } from '../../stores/index.ts';
import { Accounts } from '../accounts.ts';
import type { ReindexConfig, RunConfig } from '../config.ts';
import { contextOf, type RunEnvironment } from '../environment.ts';
import { emptyBatchTotals, type RunReport } from '../report.ts';
import { type EmbedContext, embedInputs } from './embed-input.ts';
import { type Embeddable, embeddableOfInput } from './embeddable.ts';
import { type IndexPlan, reportedModels } from './index-accounts.ts';
import { type OpenModels, openWorkflow, workflowOf } from './open-models.ts';
import { embedContext } from './run-index.ts';

/** Inputs of a kind that are embedded to see how long it takes, … */
const SAMPLE = 32;
/** … as long as that takes less: one video may have a thousand frames. */
const MEASURE_MS = 5_000;
/** Embedded together; an engine is at its best with many. */
const TOGETHER: Readonly<Record<Kind, number>> = { video: 1, image: 32, text: 64, audio: 16 };

export interface PlanRequest {
  store: string;
  runId: string;
  config: RunConfig & { reindex: ReindexConfig };
  ids: ReadonlySet<string> | undefined;
}

interface KindTotals {
  inputs: number;
  bytes: number;
  /** Spread over the listing: every n-th input, where n doubles as it grows. */
  sample: Input[];
}

/** What a re-index would do, and about how long it would take; writes nothing. */
export async function planReindex(
  { store, runId, config, ids }: PlanRequest,
  env: RunEnvironment,
): Promise<RunReport> {
  const startedAt = new Date(env.clock.now()).toISOString();
  const { base } = await readIndexState(store);
  const models = await openWorkflow(workflowOf(base), config.reindex.devices, env);
  const reader = await openReader(store);
  try {
    const { generation } = models;
    const describes = `what would be embedded under the workflow ${generation.workflow}`;
    env.onStart?.({ runId, describes, dryRun: true });
    const totals = await totalsOf(reader, ids, env);
    const coverage = await indexCoverage(store, generation, contextOf(env));
    const plan: IndexPlan[] = [];
    for (const [i, model] of generation.models.entries()) {
      const { inputs, bytes, sample } = totals.get(model.kind) ?? { inputs: 0, bytes: 0, sample: [] };
      // Of selected inputs it is not known how many have vectors.
      const waiting = ids === undefined ? Math.max(0, inputs - coverage[i]!.indexed) : inputs;
      const share = inputs === 0 ? 0 : waiting / inputs;
      const perInput = waiting === 0 ? 0 : await measure(sample, model, models, reader, env);
      plan.push({
        kind: model.kind,
        name: model.node.name,
        model: model.node.model,
        inputs: waiting,
        bytes: Math.round(bytes * share),
        estimatedMs: Math.round(perInput * waiting),
      });
    }
    return planned({ store, runId, config, models, plan, totals, startedAt, describes }, env);
  } finally {
    reader.close();
    await models.close();
  }
}

async function totalsOf(
  reader: LocalReader,
  ids: ReadonlySet<string> | undefined,
  { stop, abort }: RunEnvironment,
): Promise<Map<Kind, KindTotals>> {
  const totals = new Map<Kind, KindTotals & { every: number }>();
  for await (const input of reader.listInputs()) {
    AbortSignal.any([stop, abort]).throwIfAborted();
    if (ids !== undefined && !ids.has(input.id)) continue;
    const of = totals.get(input.kind) ?? { inputs: 0, bytes: 0, sample: [], every: 1 };
    totals.set(input.kind, of);
    if (of.inputs % of.every === 0) of.sample.push(input);
    of.inputs++;
    of.bytes += input.bytes;
    if (of.sample.length < 2 * SAMPLE) continue;
    of.sample = of.sample.filter((_, i) => i % 2 === 0);
    of.every *= 2;
  }
  return totals;
}

/** Milliseconds for one input. */
async function measure(
  sample: readonly Input[],
  model: IndexedModel,
  models: OpenModels,
  reader: LocalReader,
  env: RunEnvironment,
): Promise<number> {
  const { regions } = models.generation;
  const inputs: Embeddable[] = [];
  for (const input of sample) {
    const located = await reader.locate(input).catch(() => undefined);
    if (located !== undefined) inputs.push(embeddableOfInput(input, regions, located));
  }
  if (inputs.length === 0) return 0;
  const embedder: Embedder = models.embedderOf(model);
  const ctx: EmbedContext = embedContext(env);
  const together = TOGETHER[model.kind];
  // The first call of an engine is slower than all others; of a video, most calls are not the first.
  if (together > 1) await embedInputs(inputs.slice(0, 1), model, embedder, ctx);
  const began = env.clock.now();
  let measured = 0;
  while (measured < inputs.length && env.clock.now() - began < MEASURE_MS) {
    AbortSignal.any([env.stop, env.abort]).throwIfAborted();
    const part = inputs.slice(measured, measured + together);
    await embedInputs(part, model, embedder, ctx);
    measured += part.length;
  }
  return (env.clock.now() - began) / measured;
}

interface Planned extends Omit<PlanRequest, 'ids'> {
  models: OpenModels;
  plan: IndexPlan[];
  totals: ReadonlyMap<Kind, KindTotals>;
  startedAt: string;
  describes: string;
}

function planned(
  { store, runId, config, models, plan, totals, startedAt, describes }: Planned,
  env: RunEnvironment,
): RunReport {
  const { generation } = models;
  const accounts = new Accounts();
  const counts = { listed: 0, ok: 0, rejected: 0, failed: 0, skipped: 0 };
  for (const kind of KINDS) {
    const inputs = totals.get(kind)?.inputs ?? 0;
    const waiting = Math.max(0, ...plan.filter((of) => of.kind === kind).map((of) => of.inputs));
    counts.listed += inputs;
    counts.ok += waiting;
    counts.skipped += inputs - waiting;
    if (waiting > 0) accounts.byKind[kind] = waiting;
  }
  return {
    schema: 1,
    runId,
    command: 'reindex',
    status: 'complete',
    exitCode: 0,
    dryRun: true,
    sources: [{ uri: store, type: 'store', describes }],
    dataset: config.options.dataset,
    totals: counts,
    byCode: {},
    byKind: accounts.byKind,
    index: {
      workflow: generation.workflow,
      generation: generation.id,
      models: reportedModels(models),
      totals: { listed: counts.listed, ok: counts.ok, failed: 0, skipped: counts.skipped },
      byCode: {},
      vectors: 0,
      plan,
    },
    bytes: { read: 0, stored: 0 },
    batches: emptyBatchTotals(),
    startedAt,
    endedAt: new Date(env.clock.now()).toISOString(),
  };
}
