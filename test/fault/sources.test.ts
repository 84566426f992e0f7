import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inputsOf, sluice, sluiceJson } from '../support/cli.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-sources-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = new Date('2026-01-01T00:00:00Z');

test('two sources with equal names, sizes and times are not taken for one another', async () => {
  for (const [source, text] of [
    ['a', 'AAAA'],
    ['b', 'BBBB'],
  ] as const) {
    mkdirSync(join(dir, source));
    writeFileSync(join(dir, source, 'note.txt'), text);
    utimesSync(join(dir, source, 'note.txt'), at, at);
  }
  const store = ['--store', join(dir, 'store')];
  await sluice(['ingest', join(dir, 'a'), ...store]);
  const second = await sluiceJson(['ingest', join(dir, 'b'), ...store, '--dataset', 'other']);
  expect(second.json.byCode).toEqual({ INPUT_DUPLICATE: 1 });
  expect(second.code).toBe(2);
  const again = await sluiceJson(['ingest', join(dir, 'a'), ...store]);
  expect(again.json).toMatchObject({ byCode: { INPUT_UNCHANGED: 1 }, bytes: { read: 0 } });
});

test('what a wider profile stored is still held against a narrower one', async () => {
  const source = join(dir, 'images');
  mkdirSync(source);
  const image = sharp({ create: { width: 2000, height: 1000, channels: 3, background: 'red' } });
  await image.png().toFile(join(source, 'large.png'));
  const args = ['ingest', source, '--store', join(dir, 'store')];
  await sluice(args);
  const strict = await sluiceJson([...args, '--dataset', 'strict', '--limit', 'image.megapixels=1']);
  expect(strict.json.byCode).toEqual({ INPUT_OVER_LIMIT: 1 });
  expect(await inputsOf(join(dir, 'store'), ['--dataset', 'default'])).toHaveLength(1);
});

test('items larger than what is left of the byte budget wait for the pending batch, and not for ever', async () => {
  const source = join(dir, 'heavy');
  mkdirSync(source);
  const header = (bytes: number, width: number, height: number) => {
    const bmp = Buffer.alloc(bytes);
    bmp.write('BM', 0);
    bmp.writeUInt32LE(bytes, 2);
    bmp.writeUInt32LE(54, 10);
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(width, 18);
    bmp.writeInt32LE(height, 22);
    bmp.writeUInt16LE(1, 26);
    bmp.writeUInt16LE(24, 28);
    return bmp;
  };
  writeFileSync(join(source, '1.bmp'), header(54 + 3 * 6000 * 6000, 6000, 6000));
  writeFileSync(join(source, '2.bmp'), header(54 + 3 * 8000 * 7000, 8000, 7000));
  const ran = await sluiceJson([
    'ingest',
    source,
    '--store',
    join(dir, 'store'),
    '--limit',
    'image.megabytes=200',
  ]);
  expect(ran.json.byCode).toEqual({ INPUT_SUCCESS: 1, INPUT_BATCH_OVERSIZE: 1 });
});

test.skipIf(process.platform !== 'linux')(
  'read-only files can be linked into a store by whom they do not belong to',
  async () => {
    const source = join(dir, 'readonly');
    mkdirSync(source);
    writeFileSync(
      join(source, 'note.jpg'),
      await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
        .jpeg()
        .toBuffer(),
    );
    chmodSync(join(source, 'note.jpg'), 0o444);
    const root = process.getuid?.() === 0;
    if (root) execFileSync('chown', ['-R', '65534:65534', dir]);
    const options = root ? { uid: 65534, gid: 65534 } : {};
    const ran = await sluice(
      ['ingest', source, '--store', join(dir, 'store'), '--media', 'hardlink'],
      options,
    );
    expect(ran.code, ran.stderr + ran.stdout).toBe(0);
    expect(readdirSync(join(dir, 'store', 'blobs'))).toHaveLength(1);
  },
);
