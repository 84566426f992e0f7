import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { resolvePlace } from '../io/place.ts';
import { isS3 } from '../io/s3/address.ts';
import { loadSharp, nativeThreads } from '../media/native.ts';
import { findTools } from '../media/tools.ts';
import { asError } from '../model/errors.ts';
import { openBucket } from '../stores/index.ts';
import { versions } from './versions.ts';

export interface Check {
  name: string;
  status: 'ok' | 'warning' | 'error';
  detail: string;
}

export interface DoctorRequest {
  store: string;
  /** The PATH, for ffmpeg and ffprobe. */
  searchPath: string;
  /** The value of UV_THREADPOOL_SIZE. */
  uvThreadpoolSize: string | undefined;
}

const LOW_SPACE_BYTES = 1_000_000_000;
/** Decoding threads beyond this many a core only cost memory. */
const THREADS_PER_CORE = 4;

/** Looks at what a run needs of this machine. Nothing is written. */
export async function doctor(request: DoctorRequest): Promise<Check[]> {
  const { sluice, node } = versions();
  return [
    { name: 'sluice', status: 'ok', detail: sluice },
    { name: 'node', status: 'ok', detail: `${node} on ${process.platform} ${process.arch}` },
    await checked('images', sharpDetail),
    await checked('video', () => toolDetail('ffprobe', request.searchPath)),
    await checked('video tools', () => toolDetail('ffmpeg', request.searchPath)),
    await checked('store engine', async () => {
      await import('@lancedb/lancedb');
      return 'LanceDB loads';
    }),
    threads(request.uvThreadpoolSize),
    isS3(request.store)
      ? await checked('bucket', () => bucketDetail(request.store))
      : await space(request.store),
  ];
}

async function checked(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, status: 'ok', detail: await look() };
  } catch (error) {
    return { name, status: 'error', detail: asError(error).message };
  }
}

async function sharpDetail(): Promise<string> {
  const sharp = await loadSharp();
  return `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`;
}

async function toolDetail(name: 'ffprobe' | 'ffmpeg', path: string): Promise<string> {
  const tool = (await findTools({ path }))[name];
  return `${name} ${tool.version} (${tool.from === 'system' ? tool.path : 'packaged on npm'})`;
}

function threads(uvThreadpoolSize: string | undefined): Check {
  const { libvips, uvThreadpool, total } = nativeThreads(
    uvThreadpoolSize === undefined ? {} : { uvThreadpoolSize },
  );
  const cores = availableParallelism();
  const detail = `${uvThreadpool} pool threads × ${libvips} per image = ${total} on ${cores} cores`;
  return { name: 'threads', status: total > cores * THREADS_PER_CORE ? 'warning' : 'ok', detail };
}

/** Whether the bucket of the store can be listed. */
async function bucketDetail(store: string): Promise<string> {
  const root = resolvePlace(store);
  const bucket = await openBucket(root);
  try {
    const names = await bucket.names(root);
    return names.length === 0 ? `${root} can be listed, and is empty` : `${root} can be listed`;
  } finally {
    bucket.close();
  }
}

/** Free space where the store is, or will be made. */
async function space(store: string): Promise<Check> {
  for (let path = resolve(store); ; path = dirname(path)) {
    const stats = await statfs(path).catch(() => undefined);
    if (stats === undefined && path !== dirname(path)) continue;
    if (stats === undefined) return { name: 'disk', status: 'warning', detail: `${store}: unknown` };
    const free = stats.bavail * stats.bsize;
    const detail = `${(free / 1e9).toFixed(1)} GB free for ${store}`;
    return { name: 'disk', status: free < LOW_SPACE_BYTES ? 'warning' : 'ok', detail };
  }
}
