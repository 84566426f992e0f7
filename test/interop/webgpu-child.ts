/**
 * Embeds the numbers 0 to 15 and prints the device and the vectors as JSON. Arguments: the path of a graph from `ids` int64 [N]
 * to `y` float32 [N, D], a folder for measurements, and the devices in order. A process of its own, since the variables that
 * choose a graphics driver are read when it is started.
 */
import { openBatched } from '../../src/embed/onnx/batched.ts';
import { systemClock } from '../../src/io/clock.ts';
import type { Device } from '../../src/model/embedding.ts';

const [graph, cacheDir, ...devices] = process.argv.slice(2);
const { signal } = new AbortController();
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const tower = await openBatched<bigint>(
  graph!,
  {
    prepare: (item) => BigInt('text' in item ? item.text : ''),
    collate: (ids) => ({ ids: { type: 'int64', dims: [ids.length], data: BigInt64Array.from(ids) } }),
    output: 'y',
    sample: () => 1n,
  },
  { devices: devices as Device[], cores: 1, deviceBatch: 8, cacheDir: cacheDir! },
  { logger, clock: systemClock, signal },
);
const items = Array.from({ length: 16 }, (_, i) => ({ text: String(i) }));
const vectors = await tower.embed(items, 'document', signal);
await tower.close();
process.stdout.write(
  JSON.stringify({ device: tower.device, vectors: vectors.map((v) => [...(v as Float32Array)]) }),
);
