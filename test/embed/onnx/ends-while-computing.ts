/** Ends with the exit code 7 while a session computes. Argument: the path of a slow graph. */
import { openWorkerSession } from '../../../src/embed/onnx/worker-session.ts';

const session = await openWorkerSession({ graph: process.argv[2]!, device: 'cpu', threads: 1 });
void session.run({ ids: { type: 'int64', dims: [1], data: BigInt64Array.of(1n) } });
setTimeout(() => process.exit(7), 20);
