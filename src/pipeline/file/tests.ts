import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJsonlBlocks } from '../../io/jsonl.ts';
import { FatalError } from '../../model/errors.ts';
import type { Input } from '../../model/input.ts';
import type { Outcome } from '../../model/outcome.ts';
import { createVersion, openReader } from '../../stores/index.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import { exportDataset } from '../export/export.ts';
import { FILE_MARKER, FOLDER_MARKER, readMarker } from '../export/marker.ts';
import { ingest } from '../ingest.ts';
import type { RunReport } from '../report.ts';
import type { SourceRequest } from '../source.ts';
import { type Difference, differences, type Ran } from './expect.ts';
import type { PipelineFile } from './pipeline-file.ts';
import type { ReadPipeline } from './read.ts';
import { runRead } from './run.ts';
import type { GivenItem, PipelineTest } from './test-schema.ts';
import { exportRequestOf, requestOf, sourceRequests } from './to-request.ts';

export interface TestResult {
  name: string;
  passed: boolean;
  /** What came out other than it was expected. */
  differences: Difference[];
  /** What kept the run from beginning. */
  error?: { code: string; message: string };
}

/** Runs the tests of a sound pipeline one after the other, each into a store of its own that is then removed. */
export async function* runTests(
  pipeline: ReadPipeline,
  env?: Partial<RunEnvironment>,
): AsyncGenerator<TestResult, void, void> {
  for (const [i, test] of (pipeline.file.tests ?? []).entries()) {
    const name = test.name ?? `test ${i + 1}`;
    const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
    try {
      const found = differences(test.expect, await run(pipeline, test, join(folder, 'store'), env));
      yield { name, passed: found.length === 0, differences: found };
    } catch (error) {
      if (!(error instanceof FatalError)) throw error;
      yield { name, passed: false, differences: [], error: { code: error.code, message: error.message } };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function run(
  pipeline: ReadPipeline,
  test: PipelineTest,
  store: string,
  env?: Partial<RunEnvironment>,
): Promise<Ran> {
  const { base, file } = pipeline;
  const sources =
    test.items === undefined
      ? sourceRequests((test.source ?? file.source) as PipelineFile['source'], base, file.annotate)
      : [inline(test.items, base)];
  if (file.export !== undefined) return exported(pipeline, sources, store, env);
  if (file.reindex !== undefined) await ingest({ store, sources }, env);
  const given = { store, storeGiven: true };
  const report =
    file.reindex === undefined
      ? await ingest({ ...requestOf(pipeline, given), sources, dryRun: false }, env)
      : await runRead(pipeline, given, env);
  return { report, outcomes: await outcomesOf(report), inputs: await inputsOf(store) };
}

/** Fills the dataset from the test's sources, and exports it beside the store. */
async function exported(
  pipeline: ReadPipeline,
  sources: readonly SourceRequest[],
  store: string,
  env?: Partial<RunEnvironment>,
): Promise<Ran> {
  const asked = exportRequestOf(pipeline, { store, storeGiven: true })!;
  const { dataset, version, filter: _, ...request } = asked;
  await ingest({ store, sources, options: { dataset } }, env);
  if (version !== undefined)
    await createVersion(store, { dataset, id: version }, contextOf(environment(env)));
  const out = join(dirname(store), 'out', basename(asked.out));
  const report = await exportDataset({ ...request, dataset, ...(version && { version }), out }, env);
  const marker = (await readMarker(join(out, FOLDER_MARKER))) ?? (await readMarker(`${out}${FILE_MARKER}`));
  return {
    report,
    outcomes: await outcomesOf(report),
    inputs: await inputsOf(store),
    files: marker?.files.map(({ path }) => path) ?? [],
  };
}

async function outcomesOf({ ledger }: RunReport): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const block of readJsonlBlocks<Outcome>(ledger!, { type: 'ledger' })) outcomes.push(...block);
  return outcomes;
}

async function inputsOf(store: string): Promise<Map<string, Input>> {
  const reader = await openReader(store);
  try {
    const inputs = new Map<string, Input>();
    for await (const input of reader.listInputs()) inputs.set(input.id, input);
    return inputs;
  } finally {
    reader.close();
  }
}

/** The items of a test as a source: this very module, which hands them back. */
const inline = (items: readonly GivenItem[], base: string): SourceRequest => ({
  source: fileURLToPath(import.meta.url),
  sourceType: 'module',
  loader: { export: inlineItems.name, options: { items: items.map((item, i) => sourceItem(item, i, base)) } },
});

function sourceItem({ file, ...item }: GivenItem, index: number, base: string): Record<string, unknown> {
  if (file === undefined) return { uri: `item-${index + 1}.txt`, ...item };
  return { uri: basename(file), ...item, file: resolve(base, file) };
}

/**
 * Called by the module loader.
 * @public
 */
export function inlineItems({ options }: { options: Record<string, unknown> }): unknown {
  return options['items'];
}
