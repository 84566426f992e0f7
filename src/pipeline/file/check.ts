import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { loadLabels } from '../../labels/index.ts';
import { detectSource, loadLoader } from '../../loaders/index.ts';
import { FatalError } from '../../model/errors.ts';
import { resolveProfile } from '../../validation/index.ts';
import { runOptions } from '../config.ts';
import { RunLabels } from '../labels.ts';
import { Slots } from '../schedule/cron.ts';
import { type Issue, issuesOf } from './issues.ts';
import { absolute, isUrl } from './paths.ts';
import {
  BESIDE_LOADER,
  componentOf,
  type LabelEntry,
  type PipelineFile,
  runOptionsOf,
  type SourceEntry,
  sourcesOf,
} from './pipeline-file.ts';
import { RUN_FIELDS } from './schema.ts';
import { misplacedReferences } from './secrets.ts';
import type { Path } from './yaml.ts';

export interface Checked {
  errors: Issue[];
  warnings: Issue[];
}

/** Everything that can be said of a pipeline before anything of it runs. `base` is what relative paths start from. */
export async function checkPipeline(schema: z.ZodType, value: unknown, base: string): Promise<Checked> {
  const errors = [...issuesOf(schema, value), ...misplacedReferences(schema, value)];
  const file = soundParts(value, errors);
  errors.push(...taskIssues(value));
  const checked: Checked = { errors: [...errors, ...runIssues(file)], warnings: [] };
  const sources = sourcesOf(file.source);
  for (const { entry, path } of sources) await checkSource(entry, path, base, checked);
  checked.errors.push(...(await labelIssues(file.annotate, ['annotate'])));
  if (sources.length > 1) checkSeveral(file, sources, checked);
  if (file.schedule !== undefined) checked.errors.push(...scheduleIssues(file.schedule));
  if (file.transform !== undefined) checked.errors.push(...transformIssues(file.transform, base));
  for (const [i, test] of (file.tests ?? []).entries()) {
    if (file.source === undefined && test.source === undefined && test.items === undefined) {
      const message = 'give the source or the items that the store is to have';
      checked.errors.push({ path: ['tests', i], what: 'value', message });
    }
    if (test.source === undefined) continue;
    for (const { entry, path } of sourcesOf(test.source as PipelineFile['source'])) {
      await checkSource(entry, ['tests', i, ...path], base, checked);
    }
  }
  return checked;
}

/** What a pipeline says that brings something in, and one that writes something out does not have. */
const INGEST_KEYS = ['source', 'transform', 'label', 'validate', 'annotate', 'batch', 'sink'];

function taskIssues(value: unknown): Issue[] {
  if (typeof value !== 'object' || value === null) return [];
  const foreign = (task: string, keys: readonly string[]): Issue[] =>
    keys
      .filter((key) => key in value)
      .map((key) => ({ path: [key], what: 'key', message: `${task} has no ${key}` }));
  if ('reindex' in value) return foreign('a re-index', [...INGEST_KEYS, 'export']);
  return 'export' in value ? foreign('an export', INGEST_KEYS) : [];
}

function scheduleIssues(schedule: NonNullable<PipelineFile['schedule']>): Issue[] {
  const isText = typeof schedule === 'string';
  const { cron, timeZone } = isText ? { cron: schedule } : schedule;
  return issueOf(() => Slots.parse(cron, timeZone), isText ? ['schedule'] : ['schedule', 'cron']);
}

/** The top-level keys whose structure is right: of those, the content can be looked at. */
function soundParts(value: unknown, errors: readonly Issue[]): Partial<PipelineFile> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const wrong = new Set(errors.map(({ path }) => path[0]));
  return Object.fromEntries(Object.entries(value).filter(([key]) => !wrong.has(key)));
}

/** Options that are right one by one, and wrong together or by their content. */
function runIssues(file: Partial<PipelineFile>): Issue[] {
  const options = runOptions.safeParse(runOptionsOf(file, RUN_FIELDS));
  if (!options.success) {
    return options.error.issues.map(({ path, message }) => ({ path: placeOf(path), what: 'value', message }));
  }
  const { profile, limit } = options.data;
  return [
    ...issueOf(() => resolveProfile(profile, {}), ['validate', 'profile']),
    ...(Object.keys(limit).length === 0
      ? []
      : issueOf(() => resolveProfile(profile, limit), ['validate', 'limit'])),
    ...issueOf(() => new RunLabels(options.data), ['label', 'concept']),
  ];
}

/** Where an option of the run stands in a file. */
function placeOf([option, ...rest]: readonly PropertyKey[]): Path {
  for (const [name, fields] of Object.entries(RUN_FIELDS)) {
    const field = Object.entries(fields).find(([, of]) => of === option)?.[0];
    if (field !== undefined) return [...(name === 'local' ? ['sink', 'local'] : [name]), field, ...rest];
  }
  return [];
}

function issueOf(check: () => unknown, path: Path): Issue[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return [{ path, what: 'value', message: error.message }];
  }
}

async function checkSource(
  entry: string | SourceEntry,
  path: Path,
  base: string,
  checked: Checked,
): Promise<void> {
  if (typeof entry === 'string') {
    if (warnIfMissing(entry, path, base, checked)) return;
    const detected = await detectSource(absolute(entry, base)).catch(onlyFatal);
    if (!(detected instanceof FatalError)) return;
    // Here it is not the command line that says it.
    const message = detected.message.replace(
      /with --source-type \([^)]*\)/,
      'by its loader (folder: { path: … })',
    );
    checked.errors.push({ path, what: 'value', message });
    return;
  }
  const [name, { path: source, ...options }] = componentOf(entry, BESIDE_LOADER);
  warnIfMissing(String(source), [...path, name, 'path'], base, checked);
  checked.errors.push(...issuesOf((await loadLoader(name)).options, options, [...path, name]));
  checked.errors.push(...(await labelIssues(entry.annotate, [...path, 'annotate'])));
}

/** The source may be there when the pipeline runs, on another machine for one. */
function warnIfMissing(source: string, path: Path, base: string, checked: Checked): boolean {
  const found = absolute(source, base);
  if (isUrl(found) || existsSync(found)) return false;
  checked.warnings.push({ path, what: 'value', message: `${found} does not exist` });
  return true;
}

async function labelIssues(entries: LabelEntry[] | undefined, path: Path): Promise<Issue[]> {
  const issues = (entries ?? []).map(async (entry, i) => {
    const [name, options] = componentOf(entry);
    return issuesOf((await loadLabels(name)).options, options, [...path, i, name]);
  });
  return (await Promise.all(issues)).flat();
}

function checkSeveral(
  file: Partial<PipelineFile>,
  sources: readonly { entry: string | SourceEntry; path: Path }[],
  { errors, warnings }: Checked,
): void {
  if (file.annotate !== undefined) {
    const message =
      'the pipeline has several sources: put annotate into the source that the labels belong to';
    errors.push({ path: ['annotate'], what: 'key', message });
  }
  const names = new Set<string>();
  const prefixes = new Set<unknown>();
  for (const { entry, path } of sources) {
    if (typeof entry === 'string') continue;
    const [loader, { idPrefix }] = componentOf(entry, BESIDE_LOADER);
    if (entry.name !== undefined && names.has(entry.name)) {
      errors.push({ path: [...path, 'name'], what: 'value', message: `two sources are named ${entry.name}` });
    }
    if (idPrefix !== undefined && prefixes.has(idPrefix)) {
      const message = 'another source has this prefix, too: ids derived from equal names would collide';
      warnings.push({ path: [...path, loader, 'idPrefix'], what: 'value', message });
    }
    if (entry.name !== undefined) names.add(entry.name);
    prefixes.add(idPrefix);
  }
}

function transformIssues(transform: NonNullable<PipelineFile['transform']>, base: string): Issue[] {
  const inside = typeof transform !== 'string';
  const module = resolve(base, inside ? transform.module : transform);
  if (existsSync(module)) return [];
  const path = inside ? ['transform', 'module'] : ['transform'];
  return [{ path, what: 'value', message: `${module} does not exist` }];
}

const onlyFatal = (error: unknown): FatalError => {
  if (error instanceof FatalError) return error;
  throw error;
};
