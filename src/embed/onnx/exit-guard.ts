// A thread that is stopped inside the engine takes the whole process down with SIGABRT, and `process.exit` stops threads.
// So the end of the process waits for calls that are under way, and no further one begins.

/** Places in what a thread shares with the main one. */
const BUSY = 0;
const STOP = 1;

const guarded = new Set<Int32Array>();
let listening = false;

/** What is shared with a thread, whose calls the end of the process waits for from now on. */
export function guardExit(): Int32Array {
  const flags = new Int32Array(new SharedArrayBuffer(8));
  guarded.add(flags);
  if (!listening) {
    listening = true;
    process.on('exit', waitForAll);
  }
  return flags;
}

/** The thread is gone. */
export function unguard(flags: Int32Array): void {
  guarded.delete(flags);
}

/** On the thread: calls the engine. Never answers once the process is about to end. */
export async function guardedCall<T>(flags: Int32Array, call: () => Promise<T>): Promise<T> {
  Atomics.store(flags, BUSY, 1);
  try {
    // Looked at after BUSY is set, as the other side looks at BUSY after STOP is.
    if (Atomics.load(flags, STOP) === 0) return await call();
  } finally {
    Atomics.store(flags, BUSY, 0);
    Atomics.notify(flags, BUSY);
  }
  return new Promise<never>(() => undefined);
}

function waitForAll(): void {
  for (const flags of guarded) Atomics.store(flags, STOP, 1);
  for (const flags of guarded) Atomics.wait(flags, BUSY, 1);
}
