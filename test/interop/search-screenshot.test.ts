import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { writeSearchPage } from '../../src/pipeline/search/page/write.ts';
import { FakeModels } from '../pipeline/search/support.ts';
import { allInputs, imageItem, ingest, textItem, withAnnotations } from '../stores/local/support.ts';
import { rowOf, serve, writeVectors } from '../stores/vectors/search/support.ts';
import { chromiumPath, launchBrowser } from '../support/browser.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

const BOX = { top: 0.125, left: 0.25, bottom: 0.5, right: 0.75 };
const cat = [{ id: 'cat', name: 'cat', value: 1 }];

describe.skipIf(chromiumPath === undefined)(
  'the page of hits in a browser (needs Chromium on the PATH)',
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser();
    });
    afterAll(() => browser?.close());

    test('opens offline, without a request or an error, with the box where it is in the picture', async () => {
      const { asked, said, page } = await open(await regionPage(), 1280);
      expect(asked).toEqual([]);
      expect(said).toEqual([]);
      expect(await page.locator('.tile').count()).toBe(1);
      expect(await page.locator('.rank').textContent()).toContain('1.000');
      const rectOf = (selector: string) =>
        page.evaluate<{ x: number; y: number; width: number; height: number }>(
          `(({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector('${selector}').getBoundingClientRect())`,
        );
      const [picture, box] = [await rectOf('.picture img'), await rectOf('.overlay rect')];
      expect((box.x - picture.x) / picture.width).toBeCloseTo(BOX.left, 2);
      expect(box.height / picture.height).toBeCloseTo(BOX.bottom - BOX.top, 2);
      expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(10_000);
    });

    test('fits a phone and lets nothing of a text out', async () => {
      const { page, said } = await open(await textPage(), 390);
      expect(said).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      expect(await page.title()).toBe('2 hits · search');
      expect(await page.locator('audio').count()).toBe(0);
    });

    test('plays the beginning of a sound', async () => {
      const { page, said } = await open(await soundPage(), 800);
      expect(said).toEqual([]);
      const duration = await page.evaluate<number>(`new Promise((resolve, reject) => {
      const audio = document.querySelector('audio');
      if (audio.duration > 0) resolve(audio.duration);
      audio.onloadedmetadata = () => resolve(audio.duration);
      audio.onerror = () => reject(audio.error);
    })`);
      expect(duration).toBeGreaterThan(0.9);
    });

    async function open(path: string, width: number) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, offline: true });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      const asked: string[] = [];
      const said: string[] = [];
      const url = pathToFileURL(path).href;
      page.on('request', (request) => {
        if (request.url() !== url && !request.url().startsWith('data:')) asked.push(request.url());
      });
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', (error) => said.push(error.message));
      await page.goto(url);
      return { page, asked, said };
    }
  },
);

async function regionPage(): Promise<string> {
  const store = join(await tempFolder(), 'store');
  const photo = sharp({ create: { width: 400, height: 300, channels: 3, background: 'teal' } });
  const boxed = { id: 'a', concepts: cat, region: { box: BOX } };
  const other = { id: 'b', concepts: cat, region: { box: { ...BOX, bottom: 1 } } };
  await ingest(store, [[withAnnotations(imageItem('photo', await photo.jpeg().toBuffer()), boxed, other)]]);
  return pageOf(store, 'image', { objects: true });
}

async function textPage(): Promise<string> {
  const store = join(await tempFolder(), 'store');
  const broken = '<script>document.title = "broken"</script>';
  await ingest(store, [[textItem('a', `${broken} ${'x'.repeat(5000)}`), textItem('b', broken)]]);
  return pageOf(store, 'text', {});
}

async function soundPage(): Promise<string> {
  const store = join(await tempFolder(), 'store');
  const sound = imageItem('sound', wav(1000));
  await ingest(store, [[{ ...sound, kind: 'audio', media: { format: 'wav', durationMs: 1000 } }]]);
  return pageOf(store, 'audio', {});
}

/** All inputs are equally near; with objects, the first box of each. */
async function pageOf(
  store: string,
  kind: 'image' | 'text' | 'audio',
  options: { objects?: true },
): Promise<string> {
  const models = new FakeModels(await tempFolder());
  await models.add('fake', { modality: kind, file: 'fake.onnx', vectorOf: () => [1, 0, 0, 0] });
  const regions = options.objects === true;
  const model = await models.indexed(kind, 'fake', { regions });
  await serve(store, [model], { regions });
  const rows = (await allInputs(store)).flatMap((input) => {
    const whole = rowOf(input, [1, 0, 0, 0], { regions });
    const [first] = input.annotations;
    return first === undefined
      ? [whole]
      : [whole, { ...whole, part: 'region' as const, annotationId: first.id }];
  });
  await writeVectors(store, model, rows);
  const bytes = Buffer.from('query');
  const query = kind === 'text' ? { text: 'words' } : kind === 'image' ? { image: bytes } : { audio: bytes };
  const result = await models.search({ store, query, ...options });
  return writeSearchPage(result, { store, query, file: join(await tempFolder(), 'hits.html') });
}
