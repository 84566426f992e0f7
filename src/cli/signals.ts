/** First Ctrl-C (or SIGTERM): stop taking, finish what is under way. Second: let go at once. */
export interface StopSignals extends Disposable {
  stop: AbortSignal;
  abort: AbortSignal;
}

export function stopSignals(onFirst: () => void): StopSignals {
  const stop = new AbortController();
  const abort = new AbortController();
  const handle = () => {
    if (stop.signal.aborted) return abort.abort(new Error('interrupted'));
    stop.abort(new Error('interrupted'));
    onFirst();
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
