import { asError, FatalError, SluiceError } from '../model/errors.ts';

/** The system's code of a thrown value, such as `ENOENT`. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** What a failed write to our own files means: the disk is full, or writing is not possible; both end the run. */
export function writeFailure(thrown: unknown, path: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const errno = errnoOf(thrown);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new FatalError('STORE_FULL', `no space left on the disk of ${path} (${errno})`, { cause: thrown });
  }
  return new FatalError('STORE_WRITE_FAILED', `writing ${path} failed: ${asError(thrown).message}`, {
    cause: thrown,
  });
}
