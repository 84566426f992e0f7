import { systemClock } from '../../src/io/clock.ts';
import type { ConceptDefinition } from '../../src/model/annotation.ts';
import type { Clock, Context } from '../../src/model/contracts.ts';
import type { DatasetVersion, VersionMetrics } from '../../src/model/dataset.ts';
import { RejectedItemError } from '../../src/model/errors.ts';
import type {
  ExporterComponent,
  ExportResult,
  ExportSource,
  ExportTarget,
  MediaSource,
} from '../../src/model/export.ts';
import type { Input } from '../../src/model/input.ts';
import type { Kind } from '../../src/model/kind.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from './context.ts';

/** An input with its bytes; none stands for bytes that are gone. */
export type Held = Partial<Input> &
  Pick<Input, 'id'> & { content?: Buffer | { path: string; bytes: number } };

export function heldInput({ content: _, ...given }: Held): Input {
  return {
    kind: 'image',
    uri: `${given.id}.png`,
    sha256: '0'.repeat(64),
    bytes: 0,
    media: { format: 'png' },
    concepts: [],
    metadata: {},
    datasets: ['default'],
    annotations: [],
    ...given,
  };
}

/** What a version has beside its inputs; `media`: bytes by id, of inputs that hold none themselves. */
export interface MemoryExtras {
  concepts?: readonly ConceptDefinition[];
  media?: ReadonlyMap<string, MediaSource>;
}

/** A dataset version in memory, in the order of ids. */
export function memorySource(held: readonly Held[], { concepts, media }: MemoryExtras = {}): ExportSource {
  const sorted = [...held].sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  const inputs = sorted.map((each) => {
    const { content } = each;
    const bytes = Buffer.isBuffer(content) ? content.length : (content?.bytes ?? 0);
    return heldInput({ bytes, ...each });
  });
  const contents = new Map(held.map(({ id, content }) => [id, content]));
  return {
    version: versionOf(inputs),
    concepts: concepts ?? conceptsOf(inputs),
    async *inputs({ after } = {}) {
      for (const input of inputs) {
        if (after === undefined || Buffer.compare(Buffer.from(input.id), Buffer.from(after)) > 0)
          yield structuredClone(input);
      }
    },
    async media({ id }): Promise<MediaSource> {
      const content = contents.get(id);
      const given = media?.get(id);
      if (given !== undefined) return given;
      if (content === undefined) throw new RejectedItemError('INPUT_NOT_FOUND', 'its bytes are gone');
      return Buffer.isBuffer(content) ? { buffer: content } : content;
    },
  };
}

function conceptsOf(inputs: readonly Input[]): ConceptDefinition[] {
  const all = inputs.flatMap(({ concepts, annotations }) => [
    ...concepts,
    ...annotations.flatMap((each) => each.concepts),
  ]);
  return [...new Map(all.map(({ id, name }) => [id, { id, name }])).values()];
}

function countBy<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  const counts = {} as Record<Key, number>;
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

function countConcepts(inputs: readonly Input[]): DatasetVersion['concepts'] {
  const counts = new Map<string, DatasetVersion['concepts'][string]>();
  for (const input of inputs) {
    for (const { concepts, region } of [input, ...input.annotations] as Input['annotations']) {
      for (const { id, name, value } of concepts) {
        const count = counts.get(id) ?? { name, positive: 0, negative: 0, regions: 0 };
        counts.set(id, count);
        count[value === 0 ? 'negative' : 'positive']++;
        if (region !== undefined) count.regions++;
      }
    }
  }
  // Not by assignment, which would take an id of __proto__ for the prototype.
  return Object.fromEntries(counts);
}

/** A version of these inputs, with the counts that exporters ask for. */
export function versionOf(inputs: readonly Input[]): DatasetVersion {
  const annotations = inputs.flatMap((input) => input.annotations);
  const metrics = {
    inputsCount: inputs.length,
    regionsCount: annotations.filter(({ region }) => region !== undefined).length,
    framesCount: 0,
    positiveInputTagsCount: 0,
  } as VersionMetrics;
  return {
    dataset: 'default',
    id: 'v1',
    metadata: {},
    createdAt: '2026-01-01T00:00:00.000Z',
    contentHash: '0'.repeat(64),
    metrics,
    inputsByKind: countBy<Kind>(inputs.map(({ kind }) => kind)),
    inputsBySplit: countBy(inputs.flatMap(({ split }) => (split === undefined ? [] : [split]))),
    concepts: countConcepts(inputs),
    bytes: inputs.reduce((sum, { bytes }) => sum + bytes, 0),
    annotationsLeftOut: 0,
  };
}

export interface Exported {
  outcomes: Outcome[];
  result: ExportResult;
}

export interface ExportAttempt {
  /** What an attempt before was saved as. */
  checkpoint?: unknown;
  /** Stops after this many outcomes, as a kill would. */
  stopAfter?: number;
  signal?: AbortSignal;
}

/** What an attempt left: no result where it was stopped, and what it saved last. */
export interface Attempted {
  outcomes: Outcome[];
  result?: ExportResult;
  checkpoint: unknown;
}

/** Whatever is due after a while is due each time that somebody looks. */
function hastyClock(): Clock {
  let now = 0;
  return {
    now: () => {
      now += 60_000;
      return now;
    },
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
}

/** One attempt at an export into a folder or file that is there. */
export async function attempt(
  exporter: ExporterComponent<never>,
  source: ExportSource,
  path: string,
  options: object = {},
  { checkpoint, stopAfter = Number.POSITIVE_INFINITY, signal }: ExportAttempt = {},
): Promise<Attempted> {
  let saved = checkpoint;
  const target: ExportTarget = {
    path,
    checkpoint,
    async save(value) {
      saved = JSON.parse(JSON.stringify(value));
    },
  };
  const parsed = exporter.options.parse(options);
  const running = exporter.write(
    source,
    target,
    parsed,
    testContext({ clock: hastyClock(), ...(signal === undefined ? {} : { signal }) }),
  );
  const outcomes: Outcome[] = [];
  for (;;) {
    const step = await running.next();
    if (step.done === true) return { outcomes, result: step.value, checkpoint: saved };
    outcomes.push(step.value);
    if (outcomes.length < stopAfter) continue;
    await running.return(undefined as never);
    return { outcomes, checkpoint: saved };
  }
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

/** Runs an export into a target of one's own to its end. */
export async function exportTo<Options>(
  exporter: ExporterComponent<Options>,
  source: ExportSource,
  target: ExportTarget,
  options: unknown = {},
  ctx: Context = testContext(),
): Promise<Exported> {
  const outcomes: Outcome[] = [];
  const writing = exporter.write(source, target, exporter.options.parse(options), ctx);
  for (;;) {
    const { done, value } = await writing.next();
    if (done) return { outcomes, result: value };
    outcomes.push(value);
  }
}

/** A whole export in one go. */
export async function exported(
  exporter: ExporterComponent<never>,
  source: ExportSource,
  path: string,
  options: object = {},
): Promise<Exported> {
  const { outcomes, result } = await attempt(exporter, source, path, options);
  return { outcomes, result: result! };
}
