import { randomUUID } from 'node:crypto';
import { annotationTest } from '../../annotations/filter.ts';
import { resolvePlace } from '../../io/place.ts';
import type { Code } from '../../model/codes.ts';
import type { DatasetVersion } from '../../model/dataset.ts';
import type { ExporterComponent } from '../../model/export.ts';
import { type LocalReader, openReader } from '../../stores/index.ts';
import { ContentHash } from '../../stores/local/versions/content-hash.ts';
import { VersionCounter } from '../../stores/local/versions/counts.ts';
import { contextOf, type RunEnvironment } from '../environment.ts';
import { emptyBatchTotals, judge, type RunReport } from '../report.ts';
import { newRunId } from '../run-id.ts';
import { assertCarries, carriedBy, describeExport } from './plan.ts';
import type { ExportRequest } from './request.ts';

export interface DryRun {
  request: ExportRequest;
  exporter: ExporterComponent<unknown>;
  options: Record<string, unknown>;
  /** Absolute. */
  out: string;
}

/** What an export would write, by the counts of its version and the estimate of its format. Writes nothing. */
export async function dryRun(
  { request, exporter, options, out }: DryRun,
  env: RunEnvironment,
): Promise<RunReport> {
  const startedAt = new Date(env.clock.now()).toISOString();
  const runId = newRunId(env.clock.now(), randomUUID());
  const reader = await openReader(resolvePlace(request.store));
  try {
    const version =
      request.version === undefined
        ? await previewVersion(reader, request, env)
        : (await reader.openVersion(request.dataset, request.version)).version;
    assertCarries(exporter, version);
    const describes = describeExport(exporter, version);
    env.onStart?.({ runId, describes, dryRun: true });
    const { carried, unsupported } = carriedBy(exporter, version);
    const [ok, skipped] = [sumOf(carried), sumOf(unsupported)];
    const byCode: [Code, number][] = [
      ['EXPORTED', ok],
      ['EXPORT_UNSUPPORTED', skipped],
    ];
    const totals = { listed: version.metrics.inputsCount, ok, rejected: 0, failed: 0, skipped };
    return {
      schema: 1,
      runId,
      command: 'export',
      ...judge({ kind: 'finished' }, totals, true, '0'),
      dryRun: true,
      sources: [{ uri: `${version.dataset}@${version.id}`, type: 'dataset', describes }],
      dataset: version.dataset,
      totals,
      byCode: Object.fromEntries(byCode.filter(([, count]) => count > 0)),
      byKind: carried,
      bytes: { read: 0, stored: 0 },
      batches: emptyBatchTotals(),
      export: {
        format: exporter.name,
        out,
        version: version.id,
        contentHash: version.contentHash,
        estimatedBytes: Math.round(exporter.estimate(version, options)),
        lossTable: [...exporter.losses],
        losses: {},
        annotations: { written: 0, leftOut: 0 },
      },
      startedAt,
      endedAt: new Date(env.clock.now()).toISOString(),
    };
  } finally {
    reader.close();
  }
}

/** The version that an export would make of a dataset as it is now, which is not made. */
async function previewVersion(
  reader: LocalReader,
  { dataset, filter: filterId }: ExportRequest,
  env: RunEnvironment,
): Promise<DatasetVersion> {
  const known = (await reader.listDatasets()).find(({ id }) => id === dataset);
  if (known === undefined) await reader.requireDataset(dataset);
  const chosen = filterId ?? known?.defaultFilterId;
  const filter = chosen === undefined ? undefined : (await reader.getFilter(chosen)).filter;
  const takes = annotationTest(filter);
  const { signal } = contextOf(env);
  const counter = new VersionCounter();
  const contentHash = new ContentHash();
  let annotationsLeftOut = 0;
  for await (const { datasets: _, ...input } of reader.listInputs({ dataset })) {
    signal.throwIfAborted();
    const annotations = input.annotations.filter(takes);
    annotationsLeftOut += input.annotations.length - annotations.length;
    counter.add({ ...input, annotations });
    contentHash.add({ ...input, annotations });
  }
  return {
    dataset,
    id: 'auto-generated',
    metadata: {},
    createdAt: new Date(env.clock.now()).toISOString(),
    ...(filter === undefined ? {} : { filter }),
    contentHash: contentHash.digest(),
    ...counter.counts(),
    annotationsLeftOut,
  };
}

const sumOf = (byKind: Partial<Record<string, number>>): number =>
  Object.values(byKind).reduce<number>((sum, count = 0) => sum + count, 0);
