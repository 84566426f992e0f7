import { blobPath } from './blobs.ts';
import { sizeOf } from './durability.ts';
import type { StoreFinding } from './findings.ts';
import type { StorePaths } from './layout.ts';

/** What names bytes: a row, or a line of a version. */
export interface BlobRow {
  id: string;
  sha256: string;
  bytes: number;
  source: string | null;
}

/** Whether the bytes are there, by their size. */
export async function checkBlob(paths: StorePaths, row: BlobRow): Promise<StoreFinding | undefined> {
  const { id, sha256, bytes, source } = row;
  if (source !== null) {
    return (await sizeOf(source)) === bytes ? undefined : { finding: 'REFERENCE_BROKEN', id, path: source };
  }
  const path = blobPath(paths.blobs, sha256);
  const measured = await paths.files.sizeOf(path);
  if (measured === undefined) return { finding: 'BLOB_MISSING', id, sha256, path };
  if (measured !== bytes) return { finding: 'BLOB_SIZE', id, sha256, path, measured, expected: bytes };
  return undefined;
}
