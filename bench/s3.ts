/**
 * A bucket as a source, on a real S3 server (versitygw) over loopback.
 *
 *     npm run bench -- s3 [objects = 5000] [rounds = 3] [keys = 1000000] [archive megabytes = 1000]
 *
 * Objects of about 100 kB into a null sink with `check: header`, against loops of GetObject with the SDK, each at its own
 * best concurrency: one that lets the bytes go, and one that hashes them and looks at the header as a run must. Keys listed, for the memory: pages come from a server that makes them up. A ZIP with 10 000 entries,
 * of which ten are taken: the bytes that cross the wire. Every subject is a process of its own.
 */
import { hash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { ingest } from '../src/index.ts';
import { systemClock } from '../src/io/clock.ts';
import { s3 } from '../src/loaders/s3.ts';
import { probe } from '../src/media/probe.ts';
import { sniff } from '../src/media/sniff.ts';
import { isOutcome } from '../src/model/contracts.ts';
import { nullSink } from '../src/stores/index.ts';
import { filesBelow, makeImages } from './support/images.ts';
import { machine, measure, median } from './support/measure.ts';
import { CREDENTIALS, countingProxy, startServer } from './support/versitygw.ts';

type Loop = 'loop' | 'checked';
type Job = Loop | 'run' | 'list' | 'zip';

const SELF = fileURLToPath(import.meta.url);
const LOOPS: readonly Loop[] = ['loop', 'checked'];
const LOOP_NAMES: Readonly<Record<Loop, string>> = {
  loop: 'GetObject alone',
  checked: 'GetObject, SHA-256 and header check',
};
/** Objects that are read before the time is taken, so that all modules are there. */
const WARM = 10;
const SPEED_TARGET = 0.8;
const MEMORY_TARGET_MB = 48;
const SHARE_TARGET = 0.03;
const ENTRIES = 10_000;
const HEAD_BYTES = 4096;
/** What src/cli/main.ts chooses. */
const POOL = Math.max(4, availableParallelism() * 2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'job') await runJob(rest[0] as Job, rest[1]!, Number(rest[2] ?? 0), rest[3] ?? '');
else {
  const [objects = 5000, rounds = 3, keys = 1_000_000, megabytes = 1000] = process.argv.slice(2).map(Number);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-s3-'));
  mkdirSync(join(folder, 'buckets', 'bench'), { recursive: true });
  const { endpoint, child } = await startServer(join(folder, 'buckets'));
  try {
    console.log(machine('@aws-sdk/client-s3'));
    if (objects > 0) await compareReading(folder, endpoint, objects, rounds);
    if (keys > 0) await measureListing(keys);
    if (megabytes > 0) await measureArchive(folder, endpoint, megabytes);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(job: Job, endpoint: string, ...more: (string | number)[]): Promise<Timed> {
  const env = { UV_THREADPOOL_SIZE: String(POOL), ...CREDENTIALS };
  const { stdout, peakMb } = await measure([SELF, 'job', job, endpoint, ...more.map(String)], env);
  return { seconds: Number(stdout), peakMb };
}

interface Timed {
  /** As the process took them, without its start. */
  seconds: number;
  peakMb: number;
}

async function compareReading(
  folder: string,
  endpoint: string,
  count: number,
  rounds: number,
): Promise<void> {
  await makeImages(join(folder, 'images'), count);
  await putAll(endpoint, filesBelow(join(folder, 'images')));
  const best = new Map<Loop, number>();
  for (const loop of LOOPS) best.set(loop, await bestConcurrency(loop, endpoint, count));
  const times = new Map<Job, number[]>([...LOOPS, 'run' as const].map((job) => [job, []]));
  let peak = 0;
  for (let round = 0; round < rounds; round++) {
    for (const loop of LOOPS) {
      const { seconds } = await timed(loop, endpoint, best.get(loop)!, count);
      times.get(loop)!.push(seconds);
    }
    const { seconds, peakMb } = await timed('run', endpoint, count, join(folder, 'store'));
    times.get('run')!.push(seconds);
    peak = Math.max(peak, peakMb);
  }
  const rate = (job: Job) => count / median(times.get(job)!);
  console.log(
    `sluice, null sink, check header: ${rate('run').toFixed(0)} objects/s, ${peak.toFixed(0)} MB peak`,
  );
  for (const loop of LOOPS) {
    const ratio = rate('run') / rate(loop);
    console.log(
      `${ratio.toFixed(2)} × ${LOOP_NAMES[loop]}, ${best.get(loop)} at once (${rate(loop).toFixed(0)} objects/s), ` +
        verdict(ratio >= SPEED_TARGET, SPEED_TARGET),
    );
  }
}

async function bestConcurrency(loop: Loop, endpoint: string, count: number): Promise<number> {
  let best = { concurrency: 1, seconds: Number.POSITIVE_INFINITY };
  for (const concurrency of [8, 16, 32, 64]) {
    const { seconds } = await timed(loop, endpoint, concurrency, count);
    if (seconds < best.seconds) best = { concurrency, seconds };
  }
  return best.concurrency;
}

async function putAll(endpoint: string, files: readonly string[]): Promise<void> {
  const client = clientOf(endpoint);
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const at = next++;
      await client.send(
        new PutObjectCommand({ Bucket: 'bench', Key: keyOf(at), Body: readFileSync(files[at]!) }),
      );
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  client.destroy();
}

function keyOf(at: number): string {
  return `images/${String(at).padStart(7, '0')}.jpg`;
}

function clientOf(endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    forcePathStyle: true,
    region: CREDENTIALS.AWS_REGION,
    credentials: {
      accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID,
      secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
    },
    requestHandler: { httpAgent: { maxSockets: 256 } },
  });
}

async function measureListing(keys: number): Promise<void> {
  const peaks: number[] = [];
  for (const count of [keys / 10, keys]) {
    const server = createServer((request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(404).end();
      const query = new URL(request.url!, 'http://x').searchParams;
      response
        .setHeader('content-type', 'application/xml')
        .end(pageFrom(Number(query.get('continuation-token') ?? 0), count));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { seconds, peakMb } = await timed(
      'list',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      count,
    );
    server.closeAllConnections();
    server.close();
    peaks.push(peakMb);
    console.log(`${count} keys listed: ${(count / seconds).toFixed(0)} keys/s, ${peakMb.toFixed(0)} MB peak`);
  }
  const more = peaks[1]! - peaks[0]!;
  console.log(
    `${more.toFixed(0)} MB more for ten times the keys, ${verdict(more <= MEMORY_TARGET_MB, `+ ${MEMORY_TARGET_MB} MB`)}`,
  );
}

function pageFrom(start: number, count: number): string {
  const end = Math.min(count, start + 1000);
  const contents = Array.from({ length: end - start }, (_, i) => {
    const at = start + i;
    return `<Contents><Key>${keyOf(at)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;${String(at).padStart(32, '0')}&quot;</ETag><Size>100000</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const next = end < count ? `<NextContinuationToken>${end}</NextContinuationToken>` : '';
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name><Prefix>images/</Prefix><KeyCount>${end - start}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${end < count}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
}

async function measureArchive(folder: string, endpoint: string, megabytes: number): Promise<void> {
  const file = join(folder, 'buckets', 'bench', 'large.zip');
  writeStored(file, Math.floor((megabytes * 1e6) / ENTRIES));
  const { size } = statSync(file);
  const proxy = await countingProxy(endpoint);
  const { seconds } = await timed('zip', proxy.endpoint);
  proxy.server.close();
  const share = proxy.bytes() / size;
  console.log(
    `ZIP of ${(size / 1e6).toFixed(0)} MB, 10 of ${ENTRIES} entries: ${(proxy.bytes() / 1e6).toFixed(1)} MB crossed the wire ` +
      `(${(share * 100).toFixed(2)} %) in ${seconds.toFixed(1)} s, ${verdict(share < SHARE_TARGET, '3 %')}`,
  );
}

function verdict(met: boolean, target: number | string): string {
  return `${met ? 'meets' : 'MISSES'} ${target}`;
}

/** A ZIP whose entries, stored, have so many bytes each. */
function writeStored(file: string, bytes: number): void {
  const data = Buffer.alloc(bytes, 'not compressed at all ');
  const crc = crc32(data);
  const descriptor = openSync(file, 'w');
  const directory: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < ENTRIES; i++) {
    const name = Buffer.from(`texts/${String(i).padStart(5, '0')}.txt`);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(bytes, 14);
    common.writeUInt32LE(bytes, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), common, name, data]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from('504b01021400', 'hex'), common, place, name]));
    writeSync(descriptor, local);
    at += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(ENTRIES, 8);
  end.writeUInt16LE(ENTRIES, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(at, 16);
  writeSync(descriptor, Buffer.concat([entries, end]));
  closeSync(descriptor);
}

async function runJob(job: Job, endpoint: string, count: number, more: string): Promise<void> {
  capYoungGeneration();
  const subject = subjectOf(job, endpoint, count, more);
  if (job !== 'list' && job !== 'zip') await subject(WARM);
  const began = performance.now();
  await subject(job === 'loop' || job === 'checked' ? Number(more) : count);
  process.stdout.write(String((performance.now() - began) / 1000));
  process.exit(0);
}

/** What a process does with so many objects. */
function subjectOf(
  job: Job,
  endpoint: string,
  count: number,
  more: string,
): (objects: number) => Promise<void> {
  if (job === 'loop' || job === 'checked') {
    const client = clientOf(endpoint);
    return (objects) => getAll(client, count, objects, job === 'checked');
  }
  return job === 'run'
    ? (objects) => run(endpoint, objects, more)
    : (objects) => list(job, endpoint, objects);
}

/** `checked`: each object is hashed and its header looked at, as a run does. */
async function getAll(client: S3Client, concurrency: number, count: number, checked: boolean): Promise<void> {
  const { signal } = new AbortController();
  const tools = () => Promise.reject(new Error('images need no ffprobe'));
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bench', Key: keyOf(next++) }));
      const chunks: Buffer[] = [];
      for await (const chunk of Body as AsyncIterable<Buffer>) chunks.push(chunk);
      if (!checked) continue;
      const buffer = Buffer.concat(chunks);
      hash('sha256', buffer, 'hex');
      const sniffed = await sniff(buffer.subarray(0, HEAD_BYTES));
      await probe(sniffed, { buffer }, { check: 'header', maxPixels: 85e6, tools, signal });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

async function run(endpoint: string, objects: number, store: string): Promise<void> {
  const report = await ingest({
    source: `s3://bench/images/${objects === WARM ? '000000' : ''}`,
    store,
    loader: { endpoint },
    options: { check: 'header' },
    sink: nullSink(join(store, 'tmp')),
  });
  if (report.totals.ok !== objects) throw new Error(JSON.stringify(report));
}

/** Lists keys and reads nothing, or takes ten entries of the archive. */
async function list(job: 'list' | 'zip', endpoint: string, count: number): Promise<void> {
  const ctx = { logger: silent, clock: systemClock, signal: new AbortController().signal };
  const options = job === 'zip' ? { endpoint, include: ['*999.txt'] } : { endpoint };
  const address = job === 'zip' ? 's3://bench/large.zip' : 's3://bench/images/';
  const loader = await s3.open(address, s3.options.parse(options));
  let items = 0;
  for await (const listed of loader.list(ctx)) {
    if (isOutcome(listed)) continue;
    items++;
    if (job === 'zip') for await (const _ of await listed.open!(ctx.signal));
  }
  if (items !== (job === 'zip' ? 10 : count)) throw new Error(`${items} items`);
}
