import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeMask, encodeMask } from '../../src/annotations/mask.ts';
import { findTools, type MediaTools } from '../../src/media/tools.ts';
import { ingest } from '../../src/pipeline/ingest.ts';
import { openReader } from '../../src/stores/index.ts';
import { ledgerOf } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

let dir: string;
let source: string;
let store: string;
let tools: MediaTools;
beforeAll(async () => {
  tools = await findTools({ path: process.env['PATH'] ?? '' });
});
beforeEach(async () => {
  dir = await tempFolder();
  source = join(dir, 'source');
  store = join(dir, 'store');
  await mkdir(source);
});

const run = async (repair: string[], limit: Record<string, string>, more: object = {}) => {
  const report = await ingest({ source, store, options: { repair, limit }, ...more });
  return { report, lines: ledgerOf(store, report.runId), inputs: await storedIn(store) };
};
const ffmpeg = (...args: string[]) =>
  promisify(execFile)(tools.ffmpeg.path, ['-v', 'error', '-y', ...args], { cwd: source });
const noise = (width: number, height: number) =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: 'white',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  });

describe('without being asked', () => {
  test('nothing is repaired', async () => {
    await noise(300, 200).jpeg().toFile(join(source, 'a.jpg'));
    const { report } = await run([], { 'image.megapixels': '0.02' });
    expect(report.byCode).toEqual({ INPUT_OVER_LIMIT: 1 });
  });
});

describe('an image', () => {
  test('with too many pixels gets smaller, upright, with its annotations still right', async () => {
    await noise(300, 200).withMetadata({ orientation: 6 }).jpeg().toFile(join(source, 'a.jpg'));
    const mask = new Uint8Array(200 * 300);
    for (let y = 30; y < 60; y++) mask.fill(1, y * 200 + 20, y * 200 + 80);
    const annotations = [
      {
        id: 'box',
        concepts: [{ id: 'cat', name: 'cat', value: 1 }],
        region: { box: { top: 0.1, left: 0.1, bottom: 0.2, right: 0.4 } },
      },
      { id: 'mask', concepts: [], region: { mask: encodeMask(mask, 200, 300) } },
    ];
    await writeFile(join(source, 'a.jpg.json'), JSON.stringify({ annotations }));
    const labelled = { loader: { sidecar: true } };
    const { report, lines, inputs } = await run(['downscale'], { 'image.megapixels': '0.02' }, labelled);
    expect(report).toMatchObject({ exitCode: 0, byCode: { INPUT_SUCCESS: 1 }, warnings: { REPAIRED: 1 } });
    const [input] = inputs;
    const { width, height } = input!.media;
    expect(width! * height!).toBeLessThanOrEqual(20_000);
    expect(width! / height!).toBeCloseTo(200 / 300, 1);
    expect(input!.media.original).toMatchObject({ format: 'jpeg', width: 200, height: 300 });
    const [box, scaled] = input!.annotations;
    expect(box!.region!.box).toEqual(annotations[0]!.region.box);
    expect(scaled!.region!.mask!.size).toEqual([height, width]);
    const share = (bitmap: Uint8Array) => bitmap.reduce((sum, bit) => sum + bit, 0) / bitmap.length;
    expect(share(decodeMask(scaled!.region!.mask!))).toBeCloseTo(share(mask), 2);
    const original = await stat(join(source, 'a.jpg'));
    expect(lines[0]!.repair).toMatchObject({ steps: ['downscale'], originalBytes: original.size });
    expect(lines[0]!.repair!.originalSha256).not.toBe(input!.sha256);

    const again = await run(['downscale'], { 'image.megapixels': '0.02' }, labelled);
    expect(again.report.byCode).toEqual({ INPUT_UNCHANGED: 1 });
    expect(again.report.bytes.read).toBe(0);
  });

  test('that was turned upright takes labels of the pixels as they were, in a second run as in the first', async () => {
    await noise(300, 200).withMetadata({ orientation: 6 }).jpeg().toFile(join(source, 'a.jpg'));
    const labelled = { annotate: [{ type: 'coco', options: { file: 'coco.json' } }] };
    const coco = (boxes: number[][]) =>
      writeFile(
        join(source, 'coco.json'),
        JSON.stringify({
          images: [{ id: 1, file_name: 'a.jpg', width: 300, height: 200 }],
          categories: [{ id: 1, name: 'cat' }],
          annotations: boxes.map((bbox, i) => ({ id: i + 1, image_id: 1, category_id: 1, bbox })),
        }),
      );
    await coco([[0, 0, 30, 20]]);
    const limit = { 'image.megapixels': '0.02' };
    const first = await run(['downscale'], limit, labelled);
    expect(first.report.annotations!.totals).toMatchObject({ listed: 1, ok: 1 });
    await coco([
      [0, 0, 30, 20],
      [0, 0, 60, 20],
    ]);
    const second = await run(['downscale'], limit, labelled);
    expect(second.report.annotations!.totals).toMatchObject({ listed: 2, ok: 2 });
    expect(second.inputs[0]!.annotations.map(({ region }) => region!.box!.right)).toEqual([1, 1]);
  });

  test('with too many bytes loses quality before it loses pixels, and both only where that is allowed', async () => {
    await noise(400, 300).jpeg({ quality: 100 }).toFile(join(source, 'a.jpg'));
    const { size } = await stat(join(source, 'a.jpg'));
    const limit = { 'image.megabytes': String(size / 2 / 1e6) };
    expect((await run(['transcode', 'split'], limit)).report.byCode).toEqual({ INPUT_OVER_LIMIT: 1 });
    const { lines, inputs } = await run(['downscale', 'reencode'], limit);
    expect(lines[0]!.repair!.steps).toEqual(['reencode']);
    expect(inputs[0]).toMatchObject({ media: { width: 400, height: 300 } });
    expect(inputs[0]!.bytes).toBeLessThan(size / 2);
  });

  test('in a format that is not taken is converted', async () => {
    await noise(64, 48).avif().toFile(join(source, 'a.avif'));
    const { lines, inputs } = await run(['transcode'], {});
    expect(lines[0]!.repair!.steps).toEqual(['transcode']);
    expect(inputs[0]).toMatchObject({ kind: 'image', media: { format: 'jpeg', width: 64, height: 48 } });
  });
});

describe('a text', () => {
  test('that is too long is divided between paragraphs, and the parts are the text again', async () => {
    const text = Array.from(
      { length: 40 },
      (_, i) => `Paragraph ${i} has a sentence. And another, größer one.`,
    ).join('\n\n');
    const at = text.indexOf('Paragraph 30');
    const span = { start: at, end: at + 12, text: 'Paragraph 30' };
    const line = {
      id: 'long',
      text,
      annotations: [{ id: 's', concepts: [{ id: 'title', name: 'title', value: 1 }], span }],
    };
    await writeFile(join(source, 'in.jsonl'), `${JSON.stringify(line)}\n`);
    const { report, lines, inputs } = await run(
      ['split'],
      { 'text.megabytes': '0.0006' },
      { source: join(source, 'in.jsonl') },
    );
    expect(report.totals).toMatchObject({ listed: 1, ok: 1 });
    expect(lines[0]).toMatchObject({
      inputId: 'long',
      annotations: { good: 1 },
      repair: { steps: ['split'] },
    });
    const parts = lines[0]!.repair!.parts!.map((id) => inputs.find((input) => input.id === id)!);
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    for (const part of parts.slice(0, -1)) expect(part.text).toMatch(/\n\n$/);
    expect(parts[0]!.metadata).toMatchObject({ part: { number: 1, of: parts.length, original: 'long' } });
    const spans = parts.flatMap((part) =>
      part.annotations.map((annotation) => ({ part, span: annotation.span! })),
    );
    expect(spans.map(({ part, span: moved }) => part.text!.slice(moved.start, moved.end))).toEqual([
      'Paragraph 30',
    ]);
  });
});

describe('a sound', () => {
  test('in a format that is not taken becomes WAV', async () => {
    await writeFile(join(dir, 'a.wav'), wav(2000));
    await ffmpeg('-i', join(dir, 'a.wav'), 'a.flac');
    const { lines, inputs } = await run(['transcode'], {});
    expect(lines[0]!.repair!.steps).toEqual(['transcode']);
    expect(inputs[0]).toMatchObject({ kind: 'audio', media: { format: 'wav', durationMs: 2000 } });
  });

  test('that is too large is divided where it is silent', async () => {
    // Tones of 0.9 s with silences of 0.6 s between.
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      "aevalsrc='if(lt(mod(t,1.5),0.9),0.5*sin(440*2*PI*t),0)':s=16000:d=12",
      'a.wav',
    );
    const { size } = await stat(join(source, 'a.wav'));
    const { report, lines, inputs } = await run(['split'], { 'audio.megabytes': String(size / 2.5 / 1e6) });
    expect(report.totals).toMatchObject({ listed: 1, ok: 1 });
    const parts = lines[0]!.repair!.parts!.map((id) => inputs.find((input) => input.id === id)!);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.reduce((sum, part) => sum + part.media.durationMs!, 0)).toBeCloseTo(12_000, -1);
    for (const part of parts.slice(1)) {
      const { begin } = part.metadata['part'] as { begin: number };
      expect(begin % 1500).toBeGreaterThan(850);
    }
  });
});

describe('a video', () => {
  beforeEach(() =>
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=160x120:r=25:d=8',
      '-g',
      '25',
      '-c:v',
      'libx264',
      '-b:v',
      '400k',
      'a.mkv',
    ),
  );

  test('in a format that is not taken becomes MP4', async () => {
    const { lines, inputs } = await run(['transcode'], {});
    expect(lines[0]!.repair!.steps).toEqual(['transcode']);
    expect(inputs[0]).toMatchObject({
      kind: 'video',
      media: { format: 'mp4', width: 160, height: 120, codec: 'h264' },
    });
  });

  test('that is too large is divided at key frames, and what was annotated is in the part that shows it', async () => {
    const { size } = await stat(join(source, 'a.mkv'));
    const annotations = [500, 4200, 7900].map((timeMs) => ({
      id: `at-${timeMs}`,
      concepts: [{ id: 'x', name: 'x', value: 1 }],
      frame: { timeMs },
      region: { box: { top: 0.1, left: 0.1, bottom: 0.5, right: 0.5 } },
    }));
    await writeFile(join(source, 'a.mkv.json'), JSON.stringify({ annotations }));
    const { report, lines, inputs } = await run(
      ['transcode', 'split'],
      { 'video.megabytes': String(size / 4 / 1e6) },
      { loader: { sidecar: true } },
    );
    expect(report.totals).toMatchObject({ listed: 1, ok: 1 });
    expect(report.annotations!.totals).toMatchObject({ listed: 3, ok: 3 });
    expect(lines[0]!.repair!.steps).toEqual(['transcode', 'split']);
    const parts = lines[0]!.repair!.parts!.map((id) => inputs.find((input) => input.id === id)!);
    expect(parts.length).toBeGreaterThan(1);
    const placed = parts.flatMap((part) =>
      part.annotations.map(({ frame }) => frame!.timeMs + (part.metadata['part'] as { begin: number }).begin),
    );
    expect(placed).toEqual([500, 4200, 7900]);
  });
});

describe('what ffmpeg makes', () => {
  test('is never silently less than the file: a video that is broken inside is rejected', async () => {
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4', '-c:v', 'libx264', 'a.mkv');
    const broken = await readFile(join(source, 'a.mkv'));
    for (let at = 3000; at < broken.length; at += 7) broken[at] = 0;
    await writeFile(join(source, 'a.mkv'), broken);
    const { report, lines } = await run(['transcode', 'split'], {});
    expect(report.byCode).toEqual({ ALL_INPUT_INVALID_BYTES: 1 });
    expect(lines[0]!.message).not.toContain('Conversion failed!');
  });

  test('has parts under the limit although two silences pull the borders of one part apart', async () => {
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      "aevalsrc='if(between(t,6.0,6.4)+between(t,16.1,16.5),0,0.5*sin(440*2*PI*t))':s=8000:d=30",
      'a.wav',
    );
    const { size } = await stat(join(source, 'a.wav'));
    // Four parts of 7.5 s are planned; one from 6.2 s to 16.3 s would be over the limit.
    const limit = { 'audio.megabytes': String(size / 4 / 0.8 / 1e6) };
    expect((await run(['split'], limit)).report.totals).toMatchObject({ ok: 1 });
  });

  test('may lie in a folder with a percent sign', async () => {
    store = join(dir, '100%done');
    await writeFile(join(source, 'a.wav'), wav(4000));
    const { lines } = await run(['split'], { 'audio.megabytes': '0.03' });
    expect(lines[0]).toMatchObject({ outcome: 'ok' });
  });
});

test('the store holds the bytes of what was repaired', async () => {
  await noise(64, 48).avif().toFile(join(source, 'a.avif'));
  const { inputs } = await run(['transcode'], {});
  const reader = await openReader(store);
  const chunks: Buffer[] = [];
  for await (const chunk of await reader.openBytes(inputs[0]!.id)) chunks.push(chunk as Buffer);
  reader.close();
  expect(Buffer.concat(chunks)).toHaveLength(inputs[0]!.bytes);
});
