import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { findTools } from '../../src/media/tools.ts';
import { accounted, codesOf } from '../support/accounts.ts';
import { inputsOf, sluice, sluiceJson } from '../support/cli.ts';
import { serve } from '../support/http-server.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

test('every kind comes back as the bytes that went in; what is deleted is gone, with its blob', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const source = join(dir, 'source');
  mkdirSync(source);
  const files: Record<string, string> = {
    'photo.jpg': 'photos/space/rocket.jpg',
    'sound.wav': 'sounds/drums/bd_808.wav',
    'video.mp4': 'videos/three-scenes.mp4',
    'poem.txt': 'texts/poems/snow.txt',
  };
  for (const [name, from] of Object.entries(files)) cpSync(join(EXAMPLES, from), join(source, name));
  writeFileSync(join(source, 'long.txt'), '\ufefflong text, with a mark at its begin\r\n'.repeat(3_000));
  const ran = await sluiceJson(['ingest', source, '--store', store]);
  expect(ran.json).toMatchObject({ exitCode: 0, byKind: { image: 1, audio: 1, video: 1, text: 2 } });

  const inputs = await inputsOf(store);
  expect(inputs).toHaveLength(5);
  for (const { id, uri, sha256: hash, bytes } of inputs) {
    const out = join(dir, 'out');
    const got = await sluice(['inputs', 'get', id, '--store', store, '--out', out, '--json']);
    expect(JSON.parse(got.stdout)).toMatchObject({ id, uri });
    expect(readFileSync(out).equals(readFileSync(join(source, uri)))).toBe(true);
    expect([hash, bytes]).toEqual([sha256(out), readFileSync(out).length]);
  }

  const [gone, ...left] = inputs.filter(({ kind }) => kind !== 'text').map(({ id }) => id);
  const deleted = await sluiceJson(['inputs', 'delete', gone!, 'never-there', '--store', store]);
  expect(deleted).toMatchObject({ code: 2, json: { deleted: 1, missing: 1 } });
  expect((await sluiceJson(['inputs', 'get', gone!, '--store', store])).code).toBe(1);
  const orphaned = await sluice(['store', 'check', '--store', store, '--json']);
  expect(orphaned.code).toBe(2);
  expect(orphaned.stdout).toContain('BLOB_ORPHAN');
  // Young orphans are spared, for a reader may still hold a version that names them.
  const blobs = join(store, 'blobs');
  for (const name of readdirSync(blobs, { recursive: true })) utimesSync(join(blobs, String(name)), 1, 1);
  expect((await sluiceJson(['store', 'gc', '--dry-run', '--store', store])).json).toMatchObject({ blobs: 1 });
  expect((await sluiceJson(['store', 'gc', '--store', store])).json).toMatchObject({ blobs: 1 });
  expect((await sluice(['store', 'check', '--deep', '--store', store])).code).toBe(0);
  for (const id of left) expect((await sluiceJson(['inputs', 'get', id, '--store', store])).code).toBe(0);

  // Ingested again, it is back.
  expect((await sluiceJson(['ingest', source, '--store', store])).json.byCode).toEqual({
    INPUT_SUCCESS: 1,
    INPUT_UNCHANGED: 4,
  });
});

test('limits and checks follow the profile, its overrides and --check', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  mkdirSync(source);
  const at = (name: string) => join(source, name);
  const noise = Buffer.from(Array.from({ length: 300 * 200 * 3 }, (_, i) => (i * 7919) % 251));
  const jpeg = await sharp(noise, { raw: { width: 300, height: 200, channels: 3 } })
    .jpeg()
    .toBuffer();
  writeFileSync(at('whole.jpg'), jpeg);
  writeFileSync(at('cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
  const wav = join(EXAMPLES, 'sounds/bells/elec_bell.wav');
  const { path } = (await findTools({ path: process.env['PATH'] ?? '' })).ffmpeg;
  const ffmpeg = (...args: string[]) => execFileSync(path, ['-v', 'error', ...args], { stdio: 'pipe' });
  const mp4 = join(EXAMPLES, 'videos/three-scenes.mp4');
  ffmpeg('-i', wav, at('sound.flac'));
  ffmpeg('-i', mp4, '-t', '1', '-c', 'copy', at('video.mkv'));
  ffmpeg('-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5:duration=1', '-c:v', 'libvpx', at('video.webm'));
  const codes = async (...args: string[]) => {
    const store = join(dir, 'store');
    const ran = await sluiceJson(['ingest', source, '--store', store, ...args]);
    const found = codesOf(store, ran.json);
    rmSync(store, { recursive: true });
    return found;
  };
  const unsupported = {
    'sound.flac': 'INPUT_UNSUPPORTED_FORMAT',
    'video.mkv': 'INPUT_UNSUPPORTED_FORMAT',
    'video.webm': 'INPUT_UNSUPPORTED_FORMAT',
  };
  expect(await codes()).toEqual({
    ...unsupported,
    'cut.jpg': 'ALL_INPUT_INVALID_BYTES',
    'whole.jpg': 'INPUT_SUCCESS',
  });
  expect(await codes('--check', 'header', '--profile', 'open')).toEqual({
    'cut.jpg': 'INPUT_SUCCESS',
    'sound.flac': 'INPUT_SUCCESS',
    'video.mkv': 'INPUT_SUCCESS',
    'video.webm': 'INPUT_SUCCESS',
    'whole.jpg': 'INPUT_SUCCESS',
  });
  expect(await codes('--limit', 'image.megapixels=0.05', '--limit', 'image.megabytes=10')).toEqual({
    ...unsupported,
    'cut.jpg': 'INPUT_OVER_LIMIT',
    'whole.jpg': 'INPUT_OVER_LIMIT',
  });
});

test('a video whose header knows no duration is measured, and held against the limit of URLs', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const file = join(dir, 'streamed.webm');
  const { path } = (await findTools({ path: process.env['PATH'] ?? '' })).ffmpeg;
  const picture = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5:duration=3', '-c:v', 'libvpx'];
  execFileSync(path, ['-v', 'error', ...picture, '-f', 'webm', '-live', '1', file], { stdio: 'pipe' });
  const { origin } = await serve((_request, response) => void response.end(readFileSync(file)));
  const csv = join(dir, 'urls.csv');
  writeFileSync(csv, `inputid,input\nvideo,${origin}/video.webm\n`);
  const args = ['ingest', csv, '--allow-private-addresses', '--profile', 'open', '--store', store];
  const tooLong = await sluiceJson([...args, '--limit', 'video.urlMinutes=0.04']);
  const line = accounted(store, tooLong.json).get('urls.csv#L2')!;
  expect(line).toMatchObject({
    code: 'INPUT_OVER_LIMIT',
    limit: expect.anything(),
    measured: expect.anything(),
  });
  const landed = await sluiceJson([...args, '--limit', 'video.urlMinutes=0.06']);
  expect(landed).toMatchObject({ code: 0, json: { byKind: { video: 1 } } });
  const [video] = await inputsOf(store);
  expect(Math.abs(video!.media.durationMs! - 3_000)).toBeLessThan(300);
});
