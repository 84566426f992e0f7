import type { ConceptDefinition } from '../../src/model/annotation.ts';
import type { Context } from '../../src/model/contracts.ts';
import type { DatasetVersion } from '../../src/model/dataset.ts';
import { RejectedItemError } from '../../src/model/errors.ts';
import type {
  ExporterComponent,
  ExportResult,
  ExportSource,
  ExportTarget,
  MediaSource,
} from '../../src/model/export.ts';
import type { Input } from '../../src/model/input.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from './context.ts';

/** A version of these inputs, with the counts that exporters ask for. */
export function versionOf(inputs: readonly Input[]): DatasetVersion {
  const concepts: DatasetVersion['concepts'] = {};
  for (const input of inputs) {
    for (const { concepts: given, region } of [input, ...input.annotations] as Input['annotations']) {
      for (const { id, name, value } of given) {
        concepts[id] ??= { name, positive: 0, negative: 0, regions: 0 };
        const counted = concepts[id];
        counted[value === 0 ? 'negative' : 'positive']++;
        if (region !== undefined) counted.regions++;
      }
    }
  }
  const regions = inputs
    .flatMap(({ annotations }) => annotations)
    .filter(({ region }) => region !== undefined);
  return {
    dataset: 'pets',
    id: 'v1',
    metadata: {},
    createdAt: '2025-05-04T03:02:01.000Z',
    contentHash: 'c0ffee',
    metrics: { inputsCount: inputs.length, regionsCount: regions.length } as DatasetVersion['metrics'],
    inputsByKind: {},
    inputsBySplit: {},
    concepts,
    bytes: inputs.reduce((sum, { bytes }) => sum + bytes, 0),
    annotationsLeftOut: 0,
  };
}

const encoder = new TextEncoder();
const compareUtf8 = (a: Input, b: Input): number =>
  Buffer.compare(encoder.encode(a.id), encoder.encode(b.id));

/** A source of inputs in memory; `media` has their bytes by id, and what it lacks is gone. */
export function memorySource(
  inputs: readonly Input[],
  {
    concepts = [],
    media = new Map(),
  }: { concepts?: readonly ConceptDefinition[]; media?: ReadonlyMap<string, MediaSource> } = {},
): ExportSource {
  const ordered = [...inputs].sort(compareUtf8);
  return {
    version: versionOf(inputs),
    concepts,
    async *inputs({ after } = {}) {
      const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
      for (const input of ordered.slice(from)) yield structuredClone(input);
    },
    async media({ id }) {
      const found = media.get(id);
      if (found === undefined) throw new RejectedItemError('INPUT_NOT_FOUND', `no bytes of ${id}`);
      return found;
    },
  };
}

/** A target that remembers its checkpoints. */
export function memoryTarget(path: string, checkpoint?: unknown): ExportTarget & { saved: unknown[] } {
  const saved: unknown[] = [];
  return {
    path,
    checkpoint,
    saved,
    async save(state) {
      saved.push(structuredClone(state));
    },
  };
}

/** Runs an export to its end. */
export async function exported<Options>(
  exporter: ExporterComponent<Options>,
  source: ExportSource,
  target: ExportTarget,
  options: unknown = {},
  ctx: Context = testContext(),
): Promise<{ outcomes: Outcome[]; result: ExportResult }> {
  const outcomes: Outcome[] = [];
  const writing = exporter.write(source, target, exporter.options.parse(options), ctx);
  for (;;) {
    const { done, value } = await writing.next();
    if (done) return { outcomes, result: value };
    outcomes.push(value);
  }
}
