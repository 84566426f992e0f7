import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Annotation } from '../../src/model/annotation.ts';
import { outcomeOf } from '../../src/model/outcome.ts';
import { writeHtmlReport } from '../../src/pipeline/report-html/write.ts';
import { openReader } from '../../src/stores/index.ts';
import { imageItem, textItem, withAnnotations } from '../stores/local/support.ts';
import { chromiumPath, launchBrowser } from '../support/browser.ts';
import { testContext } from '../support/context.ts';
import { reportedRun } from '../support/reported-run.ts';

/** In the upright image, 0–1. */
const BOX = { top: 0.125, left: 0.25, bottom: 0.5, right: 0.75 };
const DOT = { x: 0.1, y: 0.9 };
const cat = [{ id: 'cat', name: 'cat', value: 1 }];
const annotations: Annotation[] = [
  { id: 'a', concepts: cat, region: { box: BOX } },
  { id: 'b', concepts: cat, region: { point: DOT } },
];

/** A photo that is stored lying on its side: 400 × 300 in the file, 300 × 400 upright. */
const sideways = () =>
  sharp({ create: { width: 400, height: 300, channels: 3, background: 'teal' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();

describe.skipIf(chromiumPath === undefined)('the report in a browser (needs Chromium on the PATH)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test('opens offline, without a request or an error, and its pictures are there', async () => {
    const { page, asked, said } = await open(await reportPage(), { width: 1280, height: 900 });
    expect(asked).toEqual([]);
    expect(said).toEqual([]);
    const sizes = await page.evaluate(
      'Array.from(document.images, (i) => [i.naturalWidth, i.naturalHeight])',
    );
    expect(sizes).toEqual([
      [160, 120],
      [240, 320],
    ]);
    expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(20_000);
  });

  test('draws boxes and points where they are in the upright picture', async () => {
    const { page } = await open(await reportPage(), { width: 1280, height: 900 });
    const picture = await rectOf(page, '.picture img');
    expect(picture.width / picture.height).toBeCloseTo(3 / 4, 2);
    const box = await rectOf(page, '.overlay rect');
    expect((box.x - picture.x) / picture.width).toBeCloseTo(BOX.left, 2);
    expect((box.y - picture.y) / picture.height).toBeCloseTo(BOX.top, 2);
    expect(box.width / picture.width).toBeCloseTo(BOX.right - BOX.left, 2);
    expect(box.height / picture.height).toBeCloseTo(BOX.bottom - BOX.top, 2);
    const dot = await rectOf(page, '.overlay .dot');
    expect((dot.x + dot.width / 2 - picture.x) / picture.width).toBeCloseTo(DOT.x, 2);
    expect((dot.y + dot.height / 2 - picture.y) / picture.height).toBeCloseTo(DOT.y, 2);
  });

  test('hides and shows the annotations without a script', async () => {
    const { page } = await open(await reportPage(), { width: 1280, height: 900 });
    expect(await page.locator('.overlay').isVisible()).toBe(true);
    await page.getByText('Show annotations').click();
    expect(await page.locator('.overlay').isVisible()).toBe(false);
  });

  test.each(['light', 'dark'] as const)('fits a phone, %s', async (colorScheme) => {
    const { page } = await open(await reportPage(), { width: 390, height: 844 }, colorScheme);
    const needed = await page.evaluate('document.documentElement.scrollWidth');
    expect(needed).toBe(390);
    const styleOf = (property: string) =>
      page.evaluate<string>(`getComputedStyle(document.body).${property}`);
    const [ink, paper] = [await styleOf('color'), await styleOf('backgroundColor')];
    expect(brightness(ink) > brightness(paper)).toBe(colorScheme === 'dark');
  });

  /** Requests other than the page itself, and what the console says, a breach of the page's own policy included. */
  async function open(
    url: string,
    viewport: { width: number; height: number },
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<{ page: Page; asked: string[]; said: string[] }> {
    const context = await browser.newContext({ viewport, colorScheme, offline: true });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const asked: string[] = [];
    const said: string[] = [];
    page.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:')) asked.push(request.url());
    });
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(url);
    return { page, asked, said };
  }
});

/** The report of a run with an annotated photo, a text, a rejected photo, and names that try to break out. */
async function reportPage(): Promise<string> {
  const long = 'x'.repeat(5000);
  const run = await reportedRun(
    [
      withAnnotations(imageItem('photo', await sideways(), { concepts: cat }), ...annotations),
      textItem('text', `<script>document.title = "broken"</script> ${long}`),
    ],
    [
      outcomeOf('bad/small.png', 'validate', 'INPUT_OVER_LIMIT', { measured: 571, limit: 85 }),
      outcomeOf(`${long}"><img src=x onerror=alert(1)>`, 'read', 'INPUT_READ_FAILED', { message: long }),
    ],
    { exitCode: 2 },
  );
  const rejected = sharp({ create: { width: 160, height: 120, channels: 3, background: 'plum' } });
  await mkdir(join(run.source, 'bad'));
  await writeFile(join(run.source, 'bad', 'small.png'), await rejected.png().toBuffer());
  const reader = await openReader(run.store);
  try {
    const path = await writeHtmlReport(run.folder, run.report, { reader }, testContext());
    return pathToFileURL(path!).href;
  } finally {
    reader.close();
  }
}

async function rectOf(page: Page, selector: string) {
  return page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x, y, width, height };
    });
}

const brightness = (rgb: string): number =>
  (rgb.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
