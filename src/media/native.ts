import type Sharp from 'sharp';
import { ByteBudget } from '../io/byte-budget.ts';

/** libvips threads per image: many images at once use the cores better than many threads on one. */
const LIBVIPS_THREADS = 1;
/** What libuv takes when UV_THREADPOOL_SIZE is not set. */
const UV_DEFAULT_THREADS = 4;
/** Rasters that libvips must hold whole share this; 85 MP of a progressive JPEG (6 bytes a pixel) fit alone. */
const RASTER_BYTES = 512_000_000;

let loading: Promise<typeof Sharp> | undefined;

/** sharp, configured once for this process: no operation cache, one libvips thread per image. */
export function loadSharp(): Promise<typeof Sharp> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(LIBVIPS_THREADS);
    return sharp;
  });
  return loading;
}

/** Bounds the rasters that are decoded whole at the same time, so large images wait for one another. */
export const rasterBudget = new ByteBudget(RASTER_BYTES);

/** How many native threads may work on images at once. */
export interface NativeThreads {
  libvips: number;
  /** Images that libuv's pool decodes at once in one process. */
  uvThreadpool: number;
  workers: number;
  /** The product of the three. */
  total: number;
}

/**
 * The native threads of a process with `workers` workers; `uvThreadpoolSize` is the value of UV_THREADPOOL_SIZE.
 * A total well above the number of cores costs memory (one malloc arena per thread) and gains nothing.
 */
export function nativeThreads(options: { uvThreadpoolSize?: string; workers?: number } = {}): NativeThreads {
  const uv = Number.parseInt(options.uvThreadpoolSize ?? '', 10);
  const uvThreadpool = uv >= 1 ? Math.min(uv, 1024) : UV_DEFAULT_THREADS;
  const workers = options.workers ?? 1;
  return { libvips: LIBVIPS_THREADS, uvThreadpool, workers, total: LIBVIPS_THREADS * uvThreadpool * workers };
}
