import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkStore, openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { allInputs, collect, imageItem, ingest, textItem, writerOptions } from './support.ts';

const ctx = testContext();

/** A disk of `megabytes`; undefined where this process may not mount one. */
async function smallDisk(megabytes: number): Promise<{ path: string; unmount(): Promise<void> } | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    await rmdir(path);
    return undefined;
  }
  return {
    path,
    unmount: async () => {
      execFileSync('umount', ['-l', path]);
      await rmdir(path);
    },
  };
}

const MAY_NOT_MOUNT = 'this process may not mount a small file system';

const batchOf = (from: number, count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => imageItem(`i-${from + i}`, Buffer.alloc(bytes, from + i)));

test('a disk that fills up with blobs ends the run as STORE_FULL; with room again it goes on', async ({
  skip,
}) => {
  const disk = await smallDisk(16);
  if (disk === undefined) return skip(MAY_NOT_MOUNT);
  const { path, unmount } = disk;
  try {
    const store = join(path, 'store');
    const writer = await openWriter(store, writerOptions(), ctx);
    await mkdir(join(store, 'runs', 'run-1'));
    const answered: string[] = [];
    const write = async () => {
      for (let n = 0; n < 256; n += 4) {
        const batch = batchOf(n, 4, 100_000 + n);
        const [results] = await Promise.all([writer.write(batch), writer.flush()]);
        answered.push(...results.map((_, i) => batch[i]!.item.id));
      }
    };
    await expect(write()).rejects.toMatchObject({ code: 'STORE_FULL' });
    await writer.close();
    expect(answered.length).toBeGreaterThan(40);
    const stored = (await allInputs(store)).map(({ id }) => id);
    expect(stored).toEqual(expect.arrayContaining(answered));

    execFileSync('mount', ['-o', 'remount,size=64m', path]);
    const again = Array.from({ length: 64 }, (_, n) => batchOf(n * 4, 4, 100_000 + n * 4));
    await ingest(store, again);
    expect(await allInputs(store)).toHaveLength(256);
    const findings = await collect(checkStore(store, { deep: true }, ctx));
    expect(findings.filter(({ finding }) => finding !== 'BLOB_ORPHAN')).toEqual([]);
  } finally {
    await unmount();
  }
});

test('a table commit that meets a full disk is STORE_FULL too, and answers nothing', async ({ skip }) => {
  const disk = await smallDisk(16);
  if (disk === undefined) return skip(MAY_NOT_MOUNT);
  const { path, unmount } = disk;
  try {
    const store = join(path, 'store');
    await ingest(store, [[textItem('first', 'x')]]);
    const writer = await openWriter(store, writerOptions({ runId: 'run-2' }), ctx);
    // Everything but one page is taken.
    const ballast = join(path, 'ballast');
    await writeFile(ballast, Buffer.alloc(4096));
    let size = 16_000_000;
    while (size > 2048) {
      await writeFile(ballast, Buffer.alloc(size), { flag: 'a' }).catch(() => {});
      size = Math.floor(size / 2);
    }
    const text = Array.from({ length: 100 }, (_, n) => textItem(`t-${n}`, `${n}`.repeat(1000)));
    const [written] = await Promise.allSettled([writer.write(text), writer.flush()]);
    expect(written).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FULL' } });
    await rm(ballast);
    await writer.close();
    expect((await allInputs(store)).map(({ id }) => id)).toEqual(['first']);
    await ingest(store, [text], { runId: 'run-3' });
    expect(await allInputs(store)).toHaveLength(101);
  } finally {
    await unmount();
  }
});

test('too little room for the reserve is STORE_FULL at the next commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-reserve-'));
  try {
    await expect(ingest(folder, [[textItem('a', 'A')]], { reserveBytes: 1e18 })).rejects.toMatchObject({
      code: 'STORE_FULL',
      limit: 1e18,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
