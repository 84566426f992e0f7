import { KeyTable } from '../../../io/key-table.ts';
import { asError } from '../../../model/errors.ts';
import { checkBlob } from '../check-blob.ts';
import type { StoreFinding, StoreSummary } from '../findings.ts';
import type { StorePaths } from '../layout.ts';
import { chunkPath, chunkText, linesOf } from './chunks.ts';
import { orphanChunks } from './garbage.ts';
import { holdsBytes, type VersionLine } from './line.ts';
import { allManifests, type Manifest, readManifestFile } from './manifest.ts';

/**
 * Reads every chunk of every version once, and looks at the blobs that no row of a table named; those that versions
 * name are added to `blobs`.
 */
export async function* checkVersions(
  paths: StorePaths,
  blobs: KeyTable,
  { signal, began }: { signal: AbortSignal; began: number },
  summary: StoreSummary,
): AsyncGenerator<StoreFinding> {
  const chunks = new Set<string>();
  const sources = new KeyTable({ values: false });
  for await (const path of allManifests(paths)) {
    const manifest = await readable(paths, path);
    if (manifest === undefined) continue;
    if ('finding' in manifest) {
      yield manifest;
      continue;
    }
    summary.versions++;
    for (const { sha256 } of manifest.chunks) {
      if (chunks.has(sha256)) continue;
      signal.throwIfAborted();
      chunks.add(sha256);
      const text = await chunkText(paths, sha256);
      if (Buffer.isBuffer(text)) yield* checkLines(paths, linesOf(text), blobs, sources);
      else yield damaged(manifest, paths, sha256, text);
    }
  }
  for await (const { path, bytes, modifiedAt } of orphanChunks(paths, chunks)) {
    if (modifiedAt < began) yield { finding: 'CHUNK_ORPHAN', path, bytes };
  }
}

async function readable(paths: StorePaths, path: string): Promise<Manifest | StoreFinding | undefined> {
  try {
    return await readManifestFile(paths, path);
  } catch (error) {
    return { finding: 'VERSION_UNREADABLE', path, reason: asError(error).message };
  }
}

function damaged(
  { version: { dataset, id } }: Manifest,
  { versions }: StorePaths,
  expected: string,
  problem: Exclude<Awaited<ReturnType<typeof chunkText>>, Buffer>,
): StoreFinding {
  const place = { dataset, version: id, path: chunkPath(versions, expected) };
  if (problem.problem === 'missing') return { finding: 'CHUNK_MISSING', ...place };
  return { finding: 'CHUNK_CONTENT', ...place, measured: problem.measured, expected };
}

async function* checkLines(
  paths: StorePaths,
  lines: readonly VersionLine[],
  blobs: KeyTable,
  sources: KeyTable,
): AsyncGenerator<StoreFinding> {
  for (const line of lines) {
    if (holdsBytes(line)) continue;
    const { id, sha256, bytes, source = null } = line;
    const isNew = source === null ? blobs.set(sha256) : sources.set(`${bytes} ${source}`);
    const finding = isNew ? await checkBlob(paths, { id, sha256, bytes, source }) : undefined;
    if (finding !== undefined) yield finding;
  }
}
