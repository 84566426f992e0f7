import { posix } from 'node:path';
import { sha256Of } from '../../io/sha256.ts';
import type { ExportResult } from '../../model/export.ts';

/** Files of an export as its description names them: one by one, or many alike as a set. */
export type DescribedFile =
  | { path: string; bytes: number; sha256: string; mime: string }
  | { includes: string; count: number; bytes: number; mime: string };

/** From this many files of one folder and ending on, they are described as a set, and not hashed once more. */
const SET_FROM = 8;

const MIME: Record<string, string> = {
  '.avif': 'image/avif',
  '.bmp': 'image/bmp',
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.jsonl': 'application/jsonlines',
  '.m4a': 'audio/mp4',
  '.mov': 'video/quicktime',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.parquet': 'application/x-parquet',
  '.png': 'image/png',
  '.tar': 'application/x-tar',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.txt': 'text/plain',
  '.wav': 'audio/wav',
  '.webm': 'video/webm',
  '.webp': 'image/webp',
  '.zip': 'application/zip',
};

/** In the order of the files; `locate` says where a file is. */
export async function describeFiles(
  files: ExportResult['files'],
  locate: (path: string) => string,
  signal: AbortSignal,
): Promise<DescribedFile[]> {
  const groups = Map.groupBy(files, ({ path }) => posix.join(posix.dirname(path), `*${posix.extname(path)}`));
  const described: DescribedFile[] = [];
  for (const [includes, alike] of groups) {
    const mime = MIME[posix.extname(includes).toLowerCase()] ?? 'application/octet-stream';
    if (alike.length >= SET_FROM) {
      const bytes = alike.reduce((sum, file) => sum + file.bytes, 0);
      described.push({ includes, count: alike.length, bytes, mime });
      continue;
    }
    for (const { path, bytes } of alike) {
      described.push({ path, bytes, mime, sha256: await sha256Of(locate(path), signal) });
    }
  }
  return described;
}
