import { createHash } from 'node:crypto';
import { KeyTable } from '../../io/key-table.ts';
import type { Context } from '../../model/contracts.ts';
import { type BlobRow, checkBlob } from './check-blob.ts';
import type { StoreFinding, StoreSummary } from './findings.ts';
import { scanIds } from './ids.ts';
import { connectTables, findTable, readFailure, type Table, textIsContent } from './lance.ts';
import { findStore, type StorePaths } from './layout.ts';
import { checkVectors } from './vectors/check-vectors.ts';
import { checkVersions } from './versions/check.ts';

/** Blobs that are looked at at once. */
const PARALLEL = 8;

export interface CheckOptions {
  /** Read every blob and compare its hash. */
  deep?: boolean;
}

/**
 * Compares rows with blobs, runs and each other, versions with their parts and blobs, and vectors with inputs, without
 * the lock and in flat memory; findings come as they are found. Beside a running writer, a blob whose row was not committed yet may be
 * called an orphan.
 */
export async function* checkStore(
  root: string,
  { deep = false }: CheckOptions,
  { signal, clock }: Pick<Context, 'signal' | 'clock'>,
): AsyncGenerator<StoreFinding, StoreSummary> {
  const paths = await findStore(root);
  const connection = await connectTables(paths.db, paths.files);
  const summary: StoreSummary = { rows: 0, blobs: 0, bytes: 0, versions: 0, vectors: 0, findings: 0 };
  try {
    const table = await findTable(connection, 'inputs');
    for await (const finding of findings(paths, table, deep, { signal, began: clock.now() }, summary)) {
      summary.findings++;
      yield finding;
    }
    for await (const finding of checkVectors(paths, connection, signal, summary)) {
      summary.findings++;
      yield finding;
    }
    return summary;
  } catch (error) {
    signal.throwIfAborted();
    throw readFailure(error, root);
  } finally {
    connection.close();
    paths.files.close();
  }
}

async function* findings(
  paths: StorePaths,
  table: Table | undefined,
  deep: boolean,
  { signal, began }: { signal: AbortSignal; began: number },
  summary: StoreSummary,
): AsyncGenerator<StoreFinding> {
  const named = new KeyTable({ values: false });
  if (table !== undefined) {
    yield* checkRows(paths, table, named, signal, summary);
    const { doubled } = await scanIds(table);
    for (const id of doubled) yield { finding: 'ID_DOUBLED', id };
  }
  yield* checkVersions(paths, named, { signal, began }, summary);
  for await (const { name: sha256, path, bytes, modifiedAt } of paths.files.walk(paths.blobs)) {
    signal.throwIfAborted();
    summary.blobs++;
    summary.bytes += bytes;
    // What a writer added since is named by rows that were not looked at.
    if (!named.has(sha256) && modifiedAt < began) yield { finding: 'BLOB_ORPHAN', path, bytes };
    if (deep) {
      const measured = await hashOf(paths, path);
      if (measured !== sha256) yield { finding: 'BLOB_CONTENT', path, measured, expected: sha256 };
    }
  }
}

async function* checkRows(
  paths: StorePaths,
  table: Table,
  named: KeyTable,
  signal: AbortSignal,
  summary: StoreSummary,
): AsyncGenerator<StoreFinding> {
  const runs = new Set(await paths.files.names(paths.runs));
  const columns = { inline: await textIsContent(table) };
  const plain = ['id', 'sha256', 'bytes', 'source', 'runId'];
  const query = table
    .query()
    .select({ ...Object.fromEntries(plain.map((name) => [name, name])), ...columns });
  for await (const batch of query) {
    signal.throwIfAborted();
    const [ids, hashes, sizes, sources, runIds, inline] = [...plain, 'inline'].map(
      (name) => batch.getChild(name)!,
    );
    summary.rows += batch.numRows;
    const blobs: BlobRow[] = [];
    for (let i = 0; i < batch.numRows; i++) {
      const id = String(ids!.get(i));
      const runId = String(runIds!.get(i));
      if (!runs.has(runId)) yield { finding: 'RUN_MISSING', id, runId };
      if (inline!.get(i) === true) continue;
      const sha256 = String(hashes!.get(i));
      const source = sources!.get(i) as string | null;
      if (source === null) named.set(sha256);
      blobs.push({ id, sha256, bytes: Number(sizes!.get(i)), source });
    }
    for (let at = 0; at < blobs.length; at += PARALLEL) {
      const found = await Promise.all(blobs.slice(at, at + PARALLEL).map((row) => checkBlob(paths, row)));
      for (const finding of found) if (finding !== undefined) yield finding;
    }
  }
}

async function hashOf({ files }: StorePaths, path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of (await files.open(path)) ?? []) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
