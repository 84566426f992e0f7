import { expect, it } from 'vitest';
import { loadSharp, nativeThreads } from '../../src/media/native.ts';

it('configures sharp once: no cache, one libvips thread an image', async () => {
  const sharp = await loadSharp();
  expect(await loadSharp()).toBe(sharp);
  expect(sharp.concurrency()).toBe(1);
  expect(sharp.cache().memory.max).toBe(0);
});

it.each([
  [{}, { libvips: 1, uvThreadpool: 4, workers: 1, total: 4 }],
  [
    { uvThreadpoolSize: '16', workers: 3 },
    { libvips: 1, uvThreadpool: 16, workers: 3, total: 48 },
  ],
  [{ uvThreadpoolSize: 'many' }, { libvips: 1, uvThreadpool: 4, workers: 1, total: 4 }],
  [{ uvThreadpoolSize: '99999' }, { libvips: 1, uvThreadpool: 1024, workers: 1, total: 1024 }],
])('multiplies the native threads of %j', (options, expected) => {
  expect(nativeThreads(options)).toEqual(expected);
});
