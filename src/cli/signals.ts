/** What an aborted signal carries: someone wanted it to end, nothing went wrong. */
class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

export const EXIT_INTERRUPTED = 130;

/** First Ctrl-C (or SIGTERM): stop taking, finish what is under way. Second: let go at once. Third: exit. */
export interface StopSignals extends Disposable {
  stop: AbortSignal;
  abort: AbortSignal;
}

/** `onFirst` is handed what the second Ctrl-C does, for when there is nothing under way to finish. */
export function stopSignals(onFirst: (letGo: () => void) => void): StopSignals {
  const stop = new AbortController();
  const abort = new AbortController();
  const letGo = () => abort.abort(new Interrupted());
  let presses = 0;
  const handle = () => {
    presses++;
    if (presses > 2) process.exit(EXIT_INTERRUPTED);
    if (presses === 2) return letGo();
    stop.abort(new Interrupted());
    onFirst(letGo);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    stop: stop.signal,
    abort: abort.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}

/** Whether an error is, or was caused by, an interrupt. */
export function isInterrupt(error: unknown): boolean {
  return error instanceof Interrupted || (error instanceof Error && isInterrupt(error.cause));
}
