import { isMarkedAsUntransferable, Worker } from 'node:worker_threads';
import { copyOf } from './copy.ts';
import { guardExit, unguard } from './exit-guard.ts';
import type { Feeds } from './preparation.ts';
import {
  type OpenSession,
  type Session,
  SessionLostError,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerStart,
} from './session.ts';

// The compiler rewrites the specifiers of imports, not the names in URLs.
const SCRIPT = import.meta.url.endsWith('.ts')
  ? new URL('./worker.ts', import.meta.url)
  : new URL('./worker.js', import.meta.url);

// The engine would report what it runs, and on which machine, to its makers. It looks at the environment of the process,
// of which a thread has a copy only.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

interface Waiting {
  resolve(outputs: Feeds): void;
  reject(error: Error): void;
}

/** Loads a graph on a thread of its own. The thread keeps the process alive only while it has something to do. */
export const openWorkerSession: OpenSession = (spec) => {
  const flags = guardExit();
  const start: WorkerStart = { ...spec, flags };
  // Flags of the process may be such as only a main thread can have.
  const worker = new Worker(SCRIPT, { workerData: start, name: `onnx ${spec.device}`, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let lost: Error | undefined;
  let requests = 0;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  const send = (request: WorkerRequest, transfer: ArrayBuffer[] = []) =>
    worker.postMessage(request, transfer);
  const settle = (id: number): Waiting | undefined => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    // One that is being closed is waited for.
    if (waiting.size === 0 && lost === undefined) worker.unref();
    return waiter;
  };

  return new Promise<Session>((resolve, reject) => {
    const end = (error: Error) => {
      lost ??= new SessionLostError(`the engine's thread ended: ${error.message}`, { cause: error });
      for (const id of [...waiting.keys()]) settle(id)?.reject(lost);
      reject(lost);
    };
    worker.on('error', end);
    worker.once('exit', (code) => {
      unguard(flags);
      end(new Error(`exit code ${code}`));
    });
    worker.on('message', (answer: WorkerAnswer) => {
      if ('refused' in answer) {
        reject(new Error(answer.refused));
      } else if ('ready' in answer) {
        worker.unref();
        resolve({ ...answer.ready, run, close });
      } else if ('error' in answer) {
        settle(answer.id)?.reject(new Error(answer.error));
      } else {
        settle(answer.id)?.resolve(answer.outputs);
      }
    });
  });

  function run(feeds: Feeds, outputs?: readonly string[]): Promise<Feeds> {
    if (lost !== undefined) return Promise.reject(lost);
    const id = requests++;
    const [own, buffers] = ownBuffers(feeds);
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      send({ id, feeds: own, ...(outputs && { outputs }) }, buffers);
    });
  }

  async function close(): Promise<void> {
    if (lost === undefined) {
      lost = new SessionLostError('the session was closed');
      worker.ref();
      send('close');
    }
    await exited;
  }
};

/** Feeds whose buffers can change hands: a view of a part of a buffer, or of one that is shared, is copied. */
function ownBuffers(feeds: Feeds): [Feeds, ArrayBuffer[]] {
  const own: Feeds = {};
  const buffers = new Set<ArrayBuffer>();
  for (const [name, feed] of Object.entries(feeds)) {
    const { buffer, byteLength } = feed.data;
    const whole =
      buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !isMarkedAsUntransferable(buffer);
    const data = whole && !buffers.has(buffer) ? feed.data : copyOf(feed.data);
    own[name] = { ...feed, data };
    buffers.add(data.buffer as ArrayBuffer);
  }
  return [own, [...buffers]];
}
