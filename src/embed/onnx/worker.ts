import { parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { asError } from '../../model/errors.ts';
import { guardedCall } from './exit-guard.ts';
import type { Feeds } from './preparation.ts';
import type { GraphValue, WorkerAnswer, WorkerRequest, WorkerStart } from './session.ts';

// The thread of one session: the calls of onnxruntime-node are synchronous, so on the main thread they would stop all else.

// What goes wrong is thrown; the engine would print it as well.
env.logLevel = 'fatal';
const port = parentPort!;
const { graph, device, threads, flags } = workerData as WorkerStart;

try {
  const session = await guardedCall(flags, open);
  let last = Promise.resolve();
  port.on('message', (request: WorkerRequest) => {
    // A session must not be released before what was asked first.
    last = last.then(() => serve(session, request));
  });
  answer({
    ready: { inputs: session.inputMetadata.map(graphValue), outputs: session.outputMetadata.map(graphValue) },
  });
} catch (error) {
  answer({ refused: textOf(error) });
}

async function serve(session: InferenceSession, request: WorkerRequest): Promise<void> {
  if (request === 'close') {
    await guardedCall(flags, () => session.release());
    port.close();
    return;
  }
  const { id, feeds, outputs } = request;
  try {
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
    const results = await guardedCall(flags, () => session.run(tensors, outputs ?? session.outputNames));
    const given = Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => [name, { type, dims, data }]),
    ) as Feeds;
    answer({ id, outputs: given }, given);
  } catch (error) {
    answer({ id, error: textOf(error) });
  }
}

function open(): Promise<InferenceSession> {
  return InferenceSession.create(graph, {
    executionProviders: [device],
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
    // Threads that wait by spinning take the cores that decode the next items.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
}

function answer(message: WorkerAnswer, handedOver: Feeds = {}): void {
  port.postMessage(
    message,
    Object.values(handedOver).map(({ data }) => data.buffer as ArrayBuffer),
  );
}

/** Without the place in the engine's source, on one line. */
function textOf(error: unknown): string {
  const { message } = asError(error);
  return message
    .replaceAll(/\/onnxruntime_src\/\S+:\d+ /g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** The type is one of three, which the constructor's overloads do not take as a union. */
function tensorOf({ type, dims, data }: Feeds[string]): Tensor {
  return new Tensor(type as 'float32', data as Float32Array, dims);
}

function graphValue(metadata: InferenceSession.ValueMetadata): GraphValue {
  const { name } = metadata;
  return metadata.isTensor
    ? { name, type: metadata.type, dims: [...metadata.shape] }
    : { name, type: 'other', dims: [] };
}
