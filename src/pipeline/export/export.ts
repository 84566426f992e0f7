import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadExporter } from '../../exporters/index.ts';
import { resolvePlace } from '../../io/place.ts';
import { isS3 } from '../../io/s3/address.ts';
import type { DatasetVersion } from '../../model/dataset.ts';
import { FatalError } from '../../model/errors.ts';
import type { ExporterComponent, ExportSource } from '../../model/export.ts';
import type { Metadata } from '../../model/labels.ts';
import {
  createVersion,
  deleteVersion,
  type LocalReader,
  lockOutput,
  openReader,
} from '../../stores/index.ts';
import { configHash, type ExportConfig, parseOptions, type RunConfig, runOptions } from '../config.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import type { RunReport } from '../report.ts';
import { writePage } from '../report-page.ts';
import { newRunId } from '../run-id.ts';
import { localFolderOf, StoreRuns } from '../store-runs.ts';
import { versions } from '../versions.ts';
import { exportCommand } from './command-line.ts';
import { companionNames } from './companions.ts';
import { dryRun } from './dry-run.ts';
import type { ExportJob } from './job.ts';
import { ExportOutput, type ExportState } from './output.ts';
import { assertCarries, assertRoom, describeExport } from './plan.ts';
import type { ExportRequest } from './request.ts';
import { runExport } from './run-export.ts';

/**
 * Writes a version of a dataset to a file or folder as one run, and gives its report. The same request again goes on
 * with an export that was cut off.
 *
 * Inputs that cannot be exported are outcomes in the report; what ends the run early is in `report.error`. Throws
 * FatalError only for what keeps it from beginning: options, dataset, output, space.
 */
export async function exportDataset(
  request: ExportRequest,
  given?: Partial<RunEnvironment>,
): Promise<RunReport> {
  const env = environment(given);
  const exporter = typeof request.format === 'string' ? await loadExporter(request.format) : request.format;
  const options = parseOptions(
    exporter.options as ExporterOptions,
    request.options ?? {},
    `the options of ${exporter.name}`,
  );
  const { overwrite = false } = request;
  if (typeof options['update'] === 'string' && isS3(options['update']))
    throw new FatalError('CONFIG_INVALID', `--update reads a local folder, not ${options['update']}`);
  const output = await outputOf(request, exporter, overwrite, env);
  const ctx = contextOf(env);
  if (request.dryRun) {
    await output.check(companionNames(exporter.writes), ctx.signal);
    return dryRun({ request, exporter, options, out: output.out }, env);
  }
  const { dataset, wait = false } = request;
  const lock = await lockOutput(resolvePlace(request.store), output.path, { dataset, wait }, ctx);
  try {
    await output.check(companionNames(exporter.writes), ctx.signal);
    return await exportTo(output, { request, exporter, options }, env);
  } finally {
    await lock.release();
  }
}

type AnyExporter = ExporterComponent<unknown>;

/** The SDK is loaded for exports to S3 alone. */
async function outputOf(
  { store, out }: ExportRequest,
  { writes }: AnyExporter,
  overwrite: boolean,
  env: RunEnvironment,
): Promise<ExportOutput> {
  const { logger } = env;
  if (!isS3(out)) return new ExportOutput(out, writes, overwrite, logger);
  const { S3Output } = await import('./s3-output.ts');
  return new S3Output(out, await localFolderOf(store, env), writes, overwrite, logger);
}

interface Asked {
  request: ExportRequest;
  exporter: AnyExporter;
  options: Record<string, unknown>;
}

/** For the holder of the output's lock. */
async function exportTo(
  output: ExportOutput,
  { request, exporter, options }: Asked,
  env: RunEnvironment,
): Promise<RunReport> {
  const { overwrite = false } = request;
  const reader = await openReader(resolvePlace(request.store));
  try {
    const source = await reader.openVersion(request.dataset, await versionOf(request, output, reader, env));
    const { version } = source;
    if (request.version === undefined) await keepIfCarried(exporter, version, request, env);
    else assertCarries(exporter, version);
    const config: RunConfig & { export: ExportConfig } = {
      sources: [
        { source: `${version.dataset}@${version.id}`, sourceType: 'dataset', loader: {}, annotate: [] },
      ],
      ...(request.pipeline === undefined ? {} : { pipeline: request.pipeline }),
      export: {
        version: version.id,
        format: exporter.name,
        options,
        out: output.out,
        ...(output.out === output.path ? {} : { staging: dirname(output.path) }),
        overwrite,
      },
      options: parseOptions(
        runOptions,
        {
          dataset: version.dataset,
          ...(request.maxRejected === undefined ? {} : { maxRejected: request.maxRejected }),
        },
        'the options of the run',
      ),
    };
    const license = await licenseOf(reader, version);
    const defaults = defaultsOf(exporter);
    const job = await begin({ request, exporter, config, source, output, defaults, license }, env);
    const report = await runExport(job, env);
    await writePage({ store: request.store }, report, env);
    return report;
  } finally {
    reader.close();
  }
}

type ExporterOptions = Parameters<typeof parseOptions<Record<string, unknown>>>[0];

const defaultsOf = ({ options }: ExporterComponent<unknown>): Record<string, unknown> =>
  (options.safeParse({}).data as Record<string, unknown> | undefined) ?? {};

/** What the id of a version begins with that was made for an export. */
const AUTO_GENERATED = 'auto-generated-';

/** The version that was asked for, or a new one; of equal content, the one that a cut off export was of. */
async function versionOf(
  { store, dataset, version, filter, wait = false }: ExportRequest,
  output: ExportOutput,
  reader: LocalReader,
  env: RunEnvironment,
): Promise<string> {
  if (version !== undefined) {
    if (filter === undefined) return version;
    throw new FatalError(
      'CONFIG_INVALID',
      'a filter decides what a new version takes; a version is named already',
    );
  }
  const time = new Date(env.clock.now()).toISOString().replace(/[-:.Z]/g, '');
  const [root, ctx] = [resolvePlace(store), contextOf(env)];
  const made = await createVersion(
    root,
    { dataset, id: `${AUTO_GENERATED}${time}`, wait, ...(filter === undefined ? {} : { filterId: filter }) },
    ctx,
  );
  const state = await output.readState();
  const goesOn =
    state?.dataset === dataset &&
    state.contentHash === made.contentHash &&
    state.version.startsWith(AUTO_GENERATED) &&
    (await reader.getVersion(dataset, state.version)) !== undefined;
  if (!goesOn) return made.id;
  await deleteVersion(root, made, { wait }, ctx);
  return state.version;
}

/** A version that was made for an export that cannot be goes again. */
async function keepIfCarried(
  exporter: AnyExporter,
  version: DatasetVersion,
  { store, wait = false }: ExportRequest,
  env: RunEnvironment,
): Promise<void> {
  try {
    assertCarries(exporter, version);
  } catch (error) {
    await deleteVersion(resolvePlace(store), version, { wait }, contextOf(env));
    throw error;
  }
}

interface Beginning {
  request: ExportRequest;
  exporter: ExporterComponent<unknown>;
  config: RunConfig & { export: ExportConfig };
  source: ExportSource;
  output: ExportOutput;
  defaults: Record<string, unknown>;
  license: string | undefined;
}

/** Goes on with the run of an earlier attempt at the same export, or makes a new one. */
async function begin(beginning: Beginning, env: RunEnvironment): Promise<ExportJob> {
  const { request, exporter, config, source, output, defaults, license } = beginning;
  const { version } = source;
  const key = keyOf(config, version.contentHash);
  const found = await output.readState();
  const runs = await StoreRuns.of(request.store, env);
  const goesOn = found?.key === key && (await output.hasPart()) && existsSync(runs.folder(found.runId).path);
  const { dataset, contentHash } = version;
  const state: ExportState = goesOn
    ? found
    : {
        schema: 1,
        type: 'export-state',
        runId: newRunId(env.clock.now(), randomUUID()),
        dataset,
        version: version.id,
        contentHash,
        key,
        checkpoint: undefined,
      };
  const already = goesOn ? await output.partBytes() : 0;
  await assertRoom(output.path, Math.max(0, exporter.estimate(version, config.export.options) - already));
  const folder = runs.folder(state.runId);
  const describes = describeExport(exporter, version);
  const now = new Date(env.clock.now()).toISOString();
  if (!goesOn) {
    await output.begin(state);
    await folder.create({
      schema: 1,
      type: 'run',
      runId: state.runId,
      command: 'export',
      config,
      configHash: configHash(config),
      source: { describes, fingerprint: contentHash },
      versions: versions(),
      startedAt: now,
    });
  }
  const { startedAt } = await folder.manifest();
  return {
    runId: state.runId,
    config,
    exporter,
    source,
    output,
    state,
    folder,
    startedAt,
    describes: goesOn ? `${describes}; it goes on where it was cut off` : describes,
    license,
    command: exportCommand(dataset, config.export, defaults),
  };
}

/** Everything that decides the bytes of an export. */
function keyOf({ export: { format, version, options } }: Beginning['config'], contentHash: string): string {
  return configHash({ contentHash, version, format, options, sluice: versions().sluice });
}

/** As the version states it, or the dataset. */
async function licenseOf(reader: LocalReader, version: DatasetVersion): Promise<string | undefined> {
  const own = licenseIn(version.metadata);
  if (own !== undefined) return own;
  const dataset = (await reader.listDatasets()).find(({ id }) => id === version.dataset);
  return licenseIn(dataset?.metadata ?? {});
}

function licenseIn({ license, licence }: Metadata): string | undefined {
  const given = license ?? licence;
  return typeof given === 'string' && given !== '' ? given : undefined;
}
