/** Closes sessions that compute, and prints `closed`. Argument: the path of a slow graph. */
import { openWorkerSession } from '../../../src/embed/onnx/worker-session.ts';

const spec = { graph: process.argv[2]!, device: 'cpu', threads: 1 } as const;
const sessions = await Promise.all(Array.from({ length: 4 }, () => openWorkerSession(spec)));
for (const session of sessions)
  void session.run({ ids: { type: 'int64', dims: [1], data: BigInt64Array.of(1n) } });
await Promise.all(sessions.map((session) => session.close()));
process.stdout.write('closed\n');
