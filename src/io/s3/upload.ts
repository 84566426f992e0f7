import PQueue from 'p-queue';
import { sha256Of } from '../sha256.ts';
import type { Bucket, LocalFile } from './bucket.ts';

/** Files on their way at once. */
const FILES_AT_ONCE = 8;

/**
 * Uploads files of which the bucket has no equal one. `there` is what the bucket has, by key, in bytes. The first
 * failure ends it, when the uploads under way are done or let go.
 */
export async function uploadFiles(
  bucket: Bucket,
  files: readonly Omit<LocalFile, 'sha256'>[],
  there: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<{ uploaded: number; kept: number }> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const queue = new PQueue({ concurrency: FILES_AT_ONCE });
  const counts = { uploaded: 0, kept: 0 };
  const one = async (file: Omit<LocalFile, 'sha256'>) => {
    const hashed = { ...file, sha256: await sha256Of(file.path, either) };
    if (there.get(file.key) === file.bytes && (await bucket.has(hashed, either))) counts.kept++;
    else {
      await bucket.upload(hashed, either);
      counts.uploaded++;
    }
  };
  for (const file of files) {
    if (either.aborted) break;
    await queue.onSizeLessThan(FILES_AT_ONCE);
    void queue.add(() => one(file)).catch((error: unknown) => failed.abort(error));
  }
  await queue.onIdle();
  either.throwIfAborted();
  return counts;
}
