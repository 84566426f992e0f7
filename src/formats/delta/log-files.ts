import { opendir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../io/disk-errors.ts';
import { FatalError } from '../../model/errors.ts';

export const LOG_FOLDER = '_delta_log';

const COMMIT = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.([0-9a-f-]{36}))?\.(parquet|json)$/;

export interface Checkpoint {
  version: number;
  /** File names, all parts of it. */
  files: string[];
}

/** Which versions of a table its log still holds. */
export interface LogFiles {
  commits: ReadonlySet<number>;
  /** Complete ones, oldest first. */
  checkpoints: readonly Checkpoint[];
  latest: number;
}

export const commitName = (version: number): string => `${String(version).padStart(20, '0')}.json`;

/** Lists `_delta_log`. Throws FatalError SOURCE_NOT_FOUND, or SOURCE_UNRECOGNISED when there is no version in it. */
export async function listLog(table: string): Promise<LogFiles> {
  const commits = new Set<number>();
  const parts = new Map<string, { version: number; of: number; files: string[] }>();
  for await (const { name } of await openLog(table)) {
    const commit = COMMIT.exec(name);
    if (commit !== null) commits.add(Number(commit[1]));
    const checkpoint = CHECKPOINT.exec(name);
    if (checkpoint === null) continue;
    const [, version, , of = '1', uuid = ''] = checkpoint;
    const key = `${version} ${of} ${uuid}`;
    const known = parts.get(key) ?? { version: Number(version), of: Number(of), files: [] };
    known.files.push(name);
    parts.set(key, known);
  }
  const checkpoints = [...parts.values()]
    .filter(({ of, files }) => files.length === of)
    .map(({ version, files }) => ({ version, files: files.sort() }))
    .sort((a, b) => a.version - b.version || (a.files[0]! < b.files[0]! ? -1 : 1));
  const latest = Math.max(...commits, ...checkpoints.map(({ version }) => version));
  if (!Number.isFinite(latest))
    throw new FatalError('SOURCE_UNRECOGNISED', `${table}: its ${LOG_FOLDER} holds no version of a table`);
  await checkLatest(table, latest);
  return { commits, checkpoints, latest };
}

async function openLog(table: string) {
  try {
    return await opendir(join(table, LOG_FOLDER));
  } catch (error) {
    const message = `${table} cannot be opened as a Delta table: ${(error as Error).message}`;
    throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
  }
}

/** A log that lost its end would pass for an older version; the writers' hint at the last checkpoint tells. */
async function checkLatest(table: string, latest: number): Promise<void> {
  let hint: { version?: unknown };
  try {
    hint = JSON.parse(await readFile(join(table, LOG_FOLDER, '_last_checkpoint'), 'utf8'));
  } catch (error) {
    // A hint may be missing, or be half written.
    if (error instanceof SyntaxError || errnoOf(error) !== undefined) return;
    throw error;
  }
  if (typeof hint?.version === 'number' && hint.version > latest)
    throw new FatalError(
      'SOURCE_INCOMPLETE',
      `${table}: its log ends at version ${latest}, yet its last checkpoint is of version ${hint.version}`,
    );
}

/**
 * What must be read for a version: the newest checkpoint up to it, and the commits after that.
 *
 * Throws FatalError CONFIG_INVALID when there is no such version, SOURCE_INCOMPLETE naming a commit that is missing.
 */
export function planReplay(
  log: LogFiles,
  version: number,
  table: string,
): { checkpoint: Checkpoint | undefined; commits: number[] } {
  if (version > log.latest)
    throw new FatalError('CONFIG_INVALID', `${table} has no version ${version}; its latest is ${log.latest}`);
  const checkpoint = log.checkpoints.findLast((candidate) => candidate.version <= version);
  const first = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const commits = Array.from({ length: version - first + 1 }, (_, i) => first + i);
  const missing = commits.find((commit) => !log.commits.has(commit));
  if (missing === undefined) return { checkpoint, commits };
  const oldest = Math.min(...log.commits, ...log.checkpoints.map((kept) => kept.version));
  if (missing === 0 && version < (log.checkpoints[0]?.version ?? 0))
    throw new FatalError(
      'CONFIG_INVALID',
      `${table}: version ${version} can no longer be read, for the log was cleaned up to version ${Math.max(oldest, log.checkpoints[0]!.version)}`,
    );
  throw new FatalError(
    'SOURCE_INCOMPLETE',
    `${table}: the commit of version ${missing} (${LOG_FOLDER}/${commitName(missing)}) is missing`,
  );
}
