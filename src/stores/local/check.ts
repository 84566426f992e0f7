import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { KeyTable } from '../../io/key-table.ts';
import type { Context } from '../../model/contracts.ts';
import { walkBlobs } from './blob-files.ts';
import { blobPath } from './blobs.ts';
import { sizeOf } from './durability.ts';
import { scanIds } from './ids.ts';
import { connectTables, findTable, readFailure, type Table, textIsContent } from './lance.ts';
import { findStore, type StorePaths } from './layout.ts';

/** Blobs that are looked at at once. */
const PARALLEL = 8;

/** Something that a store should not hold, or lacks. */
export type StoreFinding =
  | { finding: 'BLOB_MISSING'; id: string; sha256: string; path: string }
  | { finding: 'BLOB_SIZE'; id: string; sha256: string; path: string; measured: number; expected: number }
  /** Only with `deep`. */
  | { finding: 'BLOB_CONTENT'; path: string; measured: string; expected: string }
  /** No row names it; `store gc` removes it. */
  | { finding: 'BLOB_ORPHAN'; path: string; bytes: number }
  /** The file that the store refers to is gone or has another size. */
  | { finding: 'REFERENCE_BROKEN'; id: string; path: string }
  /** The row's run is not in runs/. */
  | { finding: 'RUN_MISSING'; id: string; runId: string }
  | { finding: 'ID_DOUBLED'; id: string };

export interface StoreSummary {
  rows: number;
  blobs: number;
  /** Of the blobs. */
  bytes: number;
  findings: number;
}

export interface CheckOptions {
  /** Read every blob and compare its hash. */
  deep?: boolean;
}

interface BlobRow {
  id: string;
  sha256: string;
  bytes: number;
  source: string | null;
}

/**
 * Compares rows with blobs, runs and each other, without the lock and in flat memory; findings come as they are
 * found. Beside a running writer, a blob whose row was not committed yet may be called an orphan.
 */
export async function* checkStore(
  root: string,
  { deep = false }: CheckOptions,
  { signal, clock }: Pick<Context, 'signal' | 'clock'>,
): AsyncGenerator<StoreFinding, StoreSummary> {
  const paths = await findStore(root);
  const connection = await connectTables(paths.db);
  const summary: StoreSummary = { rows: 0, blobs: 0, bytes: 0, findings: 0 };
  try {
    const table = await findTable(connection, 'inputs');
    for await (const finding of findings(paths, table, deep, { signal, began: clock.now() }, summary)) {
      summary.findings++;
      yield finding;
    }
    return summary;
  } catch (error) {
    signal.throwIfAborted();
    throw readFailure(error, root);
  } finally {
    connection.close();
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
  for await (const { sha256, path, bytes, modifiedAt } of walkBlobs(paths.blobs)) {
    signal.throwIfAborted();
    summary.blobs++;
    summary.bytes += bytes;
    // What a writer added since is named by rows that were not looked at.
    if (!named.has(sha256) && modifiedAt < began) yield { finding: 'BLOB_ORPHAN', path, bytes };
    if (deep) {
      const measured = await hashOf(path);
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
  const runs = new Set(await readdir(paths.runs));
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

async function checkBlob(paths: StorePaths, row: BlobRow): Promise<StoreFinding | undefined> {
  const { id, sha256, bytes, source } = row;
  if (source !== null) {
    return (await sizeOf(source)) === bytes ? undefined : { finding: 'REFERENCE_BROKEN', id, path: source };
  }
  const path = blobPath(paths.blobs, sha256);
  const measured = await sizeOf(path);
  if (measured === undefined) return { finding: 'BLOB_MISSING', id, sha256, path };
  if (measured !== bytes) return { finding: 'BLOB_SIZE', id, sha256, path, measured, expected: bytes };
  return undefined;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}
