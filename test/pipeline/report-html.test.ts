import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { formatRuns } from '../../src/annotations/runs.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import type { ReadyItem } from '../../src/model/contracts.ts';
import { type Outcome, outcomeOf } from '../../src/model/outcome.ts';
import { nextSteps } from '../../src/pipeline/next-steps.ts';
import { writeHtmlReport } from '../../src/pipeline/report-html/write.ts';
import { openReader } from '../../src/stores/index.ts';
import { systemTools } from '../media/fixtures.ts';
import { imageItem, textItem, withAnnotations } from '../stores/local/support.ts';
import { testContext } from '../support/context.ts';
import { type ReportedRun, reportedRun } from '../support/reported-run.ts';
import { tempFolder } from '../support/temp-folder.ts';

const cat = [{ id: 'cat', name: 'cat', value: 1 }];
const photo = (width = 64, height = 48, background = 'teal') =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

async function pageOf({ store, folder, report }: ReportedRun): Promise<string> {
  const reader = await openReader(store);
  try {
    const path = await writeHtmlReport(folder, report, { reader, tools: systemTools }, testContext());
    return await readFile(path!, 'utf8');
  } finally {
    reader.close();
  }
}

/** Text of the page without its markup, white space joined. */
const textOf = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('\u202f', '')
    .replace(/\s+/g, ' ');

test('the page states the identity, the verdict, and the same next steps as the summary', async () => {
  const run = await reportedRun(
    [textItem('a', 'one'), textItem('b', 'two')],
    [
      outcomeOf('c.txt', 'validate', 'INPUT_OVER_LIMIT', {
        message: 'TEXT 9 MB > 2 MB',
        measured: 9,
        limit: 2,
      }),
      outcomeOf('d.txt', 'read', 'INPUT_READ_FAILED', { message: 'input/output error' }),
      outcomeOf('.DS_Store', 'list', 'JUNK_FILE'),
    ],
    { exitCode: 2 },
  );
  const page = await pageOf(run);
  const text = textOf(page);
  expect(page).toContain('aria-label="5 listed = 2 ok + 1 rejected + 1 failed + 1 skipped"');
  expect(text).toMatch(/5 listed = 2 ok \+ 1 rejected \+ 1 failed \+ 1 skipped/);
  expect(text).toContain('Finished, with exceptions.');
  expect(text).toContain('Exit code 2');
  expect(text).toContain('TEXT 9 MB &gt; 2 MB measured 9 limit 2');
  for (const { how } of nextSteps(run.report, run.store)) expect(text).toContain(how);
});

test('an interrupted run shows what waits, and how to go on', async () => {
  const run = await reportedRun([textItem('a', 'one')], [], { status: 'interrupted', exitCode: 130 });
  run.report.totals.pending = 7;
  const text = textOf(await pageOf(run));
  expect(text).toContain('Interrupted.');
  expect(text).toContain('7 items were listed beyond these and wait');
  expect(text).toContain(`sluice resume ${run.report.runId}`);
});

test('the same run gives the same bytes', async () => {
  const items = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => imageItem(`photo-${i}`, await photo(64, 48, `rgb(${i},9,9)`))),
  );
  const run = await reportedRun(items);
  const first = await pageOf(run);
  expect(first.match(/<figure class="tile/g)).toHaveLength(24);
  expect(await pageOf(run)).toBe(first);
});

test('names, labels, texts and messages from outside stay text', async () => {
  const evil = `<script>alert(1)</script>" onload='x' \u202egpj.exe \ud800 ${'n'.repeat(5000)}`;
  const run = await reportedRun(
    [
      withAnnotations(
        imageItem('photo', await photo(), {
          uri: `${evil}.png`,
          concepts: [{ id: 'x', name: evil, value: 0 }],
        }),
        { id: 'a', concepts: [{ id: 'y', name: evil, value: 1 }], region: { point: { x: 0.5, y: 0.5 } } },
      ),
      textItem('text', evil),
    ],
    [outcomeOf(evil, 'read', 'INPUT_READ_FAILED', { message: evil, measured: evil, limit: evil })],
    { sources: [{ uri: `/data/${evil}`, type: 'folder', describes: evil }], dataset: evil },
  );
  const page = await pageOf(run);
  expect(page).not.toMatch(/<script|onload='|\u202e|<[^>]*javascript:/);
  expect(page.isWellFormed()).toBe(true);
  expect(page).toContain('&lt;script&gt;');
  expect(page.length).toBeLessThan(60_000);
  expect(page).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'`);
  expect(page).not.toMatch(/(src|href|url\()\s*=?\s*["'(]?https?:/);
});

test('a run that only skipped shows its course all the same', async () => {
  const skipped = Array.from({ length: 20 }, (_, i) => outcomeOf(`${i}.tmp`, 'list', 'EXCLUDED'));
  const page = await pageOf(await reportedRun([textItem('a', 'one')], skipped));
  expect(page).toContain('aria-label="Items per second over time, at most 10"');
  expect(page).toMatch(/class="fill-skipped" d="M/);
});

test('masks lie over their picture in the colour of their class, and holes stay open', async () => {
  // Columns of four pixels: the left half is masked.
  const counts = formatRuns(Uint32Array.from([0, 8, 8]));
  const ring = (from: number, to: number): [number, number][] => [
    [from, from],
    [to, from],
    [to, to],
    [from, to],
  ];
  const annotations: Annotation[] = [
    { id: 'mask', concepts: cat, region: { mask: { size: [4, 4], counts } } },
    { id: 'ring', concepts: cat, region: { polygon: [[ring(0.6, 0.9), ring(0.7, 0.8)]] } },
  ];
  const page = await pageOf(
    await reportedRun([withAnnotations(imageItem('a', await photo(40, 40)), ...annotations)]),
  );
  const mask = /class="mask" src="data:image\/webp;base64,(?<data>[^"]+)"/.exec(page)!.groups!['data']!;
  const { data, info } = await sharp(Buffer.from(mask, 'base64'))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4),
  ];
  expect([info.width, info.height]).toEqual([40, 40]);
  expect(at(30, 20)[3]).toBe(0);
  expect(at(10, 20)[3]).toBeGreaterThan(60);
  expect(at(10, 20)[3]).toBeLessThan(200);
  expect(at(19, 20)[3]).toBe(255);
  const colour = at(19, 20)
    .slice(0, 3)
    .map((part) => part.toString(16).padStart(2, '0'))
    .join('');
  expect(page).toContain(`<g style="color:#${colour}">`);
  expect(page).toContain('d="M0.6 0.6L0.9 0.6L0.9 0.9L0.6 0.9ZM0.7 0.7L0.8 0.7L0.8 0.8L0.7 0.8Z"');
});

test('a video shows the frame that its first region is on, and a sound its wave form', async () => {
  const folder = await tempFolder();
  const { ffmpeg } = await systemTools();
  const make = (...args: string[]) => promisify(execFile)(ffmpeg.path, ['-v', 'error', ...args]);
  const colour = (name: string) => ['-f', 'lavfi', '-i', `color=${name}:size=64x48:rate=10:duration=1`];
  await make(...colour('red'), ...colour('blue'), '-filter_complex', 'concat=n=2:v=1', join(folder, 'v.mp4'));
  await make('-f', 'lavfi', '-i', 'sine=frequency=440:duration=1', join(folder, 's.wav'));
  const video: ReadyItem = {
    ...imageItem('video', await readFile(join(folder, 'v.mp4'))),
    kind: 'video',
    media: { format: 'mp4', width: 64, height: 48, durationMs: 2000 },
    annotations: [500, 1500].toReversed().map((timeMs) => ({
      id: `at-${timeMs}`,
      concepts: cat,
      frame: { timeMs },
      region: { point: { x: timeMs / 2000, y: 0.5 } },
    })),
  };
  const sound: ReadyItem = {
    ...imageItem('sound', await readFile(join(folder, 's.wav'))),
    kind: 'audio',
    media: { format: 'wav', durationMs: 1000 },
  };
  const page = await pageOf(await reportedRun([video, sound]));
  const pictures = [...page.matchAll(/<img src="data:image\/webp;base64,([^"]+)" alt="(\w+)/g)];
  expect(pictures.map(([, , kind]) => kind)).toEqual(['video', 'audio']);
  const { channels } = await sharp(Buffer.from(pictures[0]![1]!, 'base64')).stats();
  expect(channels[2]!.mean).toBeGreaterThan(200);
  expect(channels[0]!.mean).toBeLessThan(50);
  expect(page.match(/class="dot"/g)).toHaveLength(1);
  expect(page).toContain('d="M0.75 0.5h0"');
});

test('a rejected file of a folder is shown as far as it can be decoded; nothing outside the folder is', async () => {
  const over = (uri: string) => outcomeOf(uri, 'validate', 'INPUT_OVER_LIMIT', { kind: 'image' });
  const run = await reportedRun(
    [],
    [over('in/good.png'), over('../outside.png'), over('in/drawing.svg'), over('gone.png')],
  );
  await mkdir(join(run.source, 'in'));
  await writeFile(join(run.source, 'in/good.png'), await photo());
  await writeFile(join(run.source, '../outside.png'), await photo());
  await writeFile(
    join(run.source, 'in/drawing.svg'),
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
  );
  const path = await writeHtmlReport(run.folder, run.report, {}, testContext());
  const page = await readFile(path!, 'utf8');
  expect(page.match(/<img /g)).toHaveLength(1);
  expect(textOf(page)).toContain('in/good.png');
  expect(textOf(page)).toContain('../outside.png');
});

test('annotations that could not be used are counted and shown with their place', async () => {
  const problems = [
    {
      ref: 'boxes.json#annotations/77',
      code: 'REGION_OUTSIDE' as const,
      message: 'right of it',
      measured: 700,
      limit: 640,
    },
  ];
  const line: Outcome = outcomeOf('a.jpg', 'deliver', 'INPUT_SUCCESS', {
    annotations: { good: 3, problems },
  });
  const totals = { listed: 4, ok: 3, rejected: 1, failed: 0, skipped: 0 };
  const run = await reportedRun([], [line], { annotations: { totals, byCode: { REGION_OUTSIDE: 1 } } });
  const path = await writeHtmlReport(run.folder, run.report, {}, testContext());
  const text = textOf(await readFile(path!, 'utf8'));
  expect(text).toContain('4 annotations found = 3 ok + 1 rejected + 0 failed + 0 skipped');
  expect(text).toContain('REGION_OUTSIDE 900101');
  expect(text).toContain('boxes.json#annotations/77 right of it');
});

test('spans of a text are marked, and a repair says what was done', async () => {
  const text = withAnnotations(textItem('t', 'a cat & a dog'), {
    id: 's',
    concepts: cat,
    span: { start: 2, end: 5 },
  });
  const repair = { steps: ['downscale'], originalSha256: '0'.repeat(64), originalBytes: 41_000_000 };
  const line = outcomeOf('big.jpg', 'deliver', 'INPUT_SUCCESS', { bytes: 9_500_000, repair });
  const page = await pageOf(await reportedRun([text], [line]));
  expect(page).toMatch(/a <mark [^>]*title="cat">cat<\/mark> &amp; a dog/);
  expect(textOf(page)).toContain('downscale: 41.0 MB → 9.50 MB');
});

test('what goes wrong is a warning and leaves no file: an abort, and a ledger that cannot be read', async () => {
  const run = await reportedRun([], [outcomeOf('a.txt', 'list', 'EXCLUDED')]);
  const warnings: string[] = [];
  const logger = {
    ...testContext().logger,
    warn: (_: object, message: string) => void warnings.push(message),
  };
  const write = (signal: AbortSignal) =>
    writeHtmlReport(run.folder, run.report, {}, { ...testContext({ signal }), logger });
  expect(await write(AbortSignal.abort(new Error('stopped by hand')))).toBeUndefined();
  await writeFile(run.folder.ledger, '{"schema":1,"type":"ledger"}\nno json\n{}\n');
  expect(await write(new AbortController().signal)).toBeUndefined();
  expect(warnings).toEqual([
    expect.stringContaining('stopped by hand'),
    expect.stringContaining('ledger.jsonl:2'),
  ]);
  expect((await readdir(run.folder.path)).filter((file) => file.startsWith('report'))).toEqual([]);
});

test('a run whose ledger was removed still has its page', async () => {
  const run = await reportedRun([textItem('a', 'one')]);
  await rm(run.folder.ledger);
  expect(textOf(await pageOf(run))).toContain('1 listed = 1 ok');
  expect(existsSync(join(run.folder.path, 'report.html'))).toBe(true);
});

test('the page stays small, however many pictures, codes and boxes there are', async () => {
  const noise = (i: number) =>
    sharp({
      create: {
        width: 400,
        height: 400,
        channels: 3,
        background: 'black',
        noise: { type: 'gaussian', mean: 90 + i, sigma: 60 },
      },
    })
      .jpeg({ quality: 95 })
      .toBuffer();
  const boxes: Annotation[] = Array.from({ length: 2000 }, (_, i) => ({
    id: `${i}`,
    concepts: [{ id: `class-${i}`, name: `class ${i} ${'w'.repeat(50)}`, value: 1 }],
    region: { polygon: [[Array.from({ length: 500 }, (_, k): [number, number] => [k / 500, (i % 7) / 7])]] },
  }));
  const items = await Promise.all(
    Array.from({ length: 24 }, async (_, i) => imageItem(`photo-${i}`, await noise(i))),
  );
  items.splice(0, 2, ...items.slice(0, 2).map((item) => withAnnotations(item, ...boxes)));
  const page = await pageOf(await reportedRun(items));
  expect(page.length).toBeLessThan(3_000_000);
  expect(textOf(page)).toContain('+1992');
  expect(textOf(page)).toContain('1940 regions not drawn');
  expect(textOf(page)).toContain('and 1970 more concepts');
});
