import { RetryableError } from '../../model/errors.ts';

/** Aborts work that takes longer, which then fails with RetryableError INPUT_READ_FAILED; `shown` names it. */
export async function withDeadline<T>(
  shown: string,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => controller.abort(), ms);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (signal.aborted || !controller.signal.aborted) throw error;
    const message = `${shown}: no whole answer within ${ms / 1000} s`;
    throw new RetryableError('INPUT_READ_FAILED', message, { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
