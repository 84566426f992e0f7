import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Concept } from '../../src/model/labels.ts';
import { OUTCOMES } from '../../src/model/outcome.ts';
import { html, name, shortened } from '../../src/pipeline/report-html/html.ts';
import { addLabels, emptyCounts } from '../../src/pipeline/report-html/label-counts.ts';
import { Sample } from '../../src/pipeline/report-html/sample.ts';
import { SizeHistogram } from '../../src/pipeline/report-html/sizes.ts';
import { Timeline } from '../../src/pipeline/report-html/timeline.ts';

describe('markup', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 200 });

  test('no value can leave its element or its attribute', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { markup } = html`<p title="${text}">${text}</p>`;
        const [, attribute, content] = /^<p title="(?<attribute>[^"]*)">(?<content>[^<]*)<\/p>$/.exec(
          markup,
        )!;
        expect(`${attribute}${content}`).not.toMatch(/[<>"']/);
        expect(`${attribute}${content}`.replace(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
      }),
    );
  });

  test('what a browser shows is the text itself', () => {
    const visible = fc.string({ unit: fc.constantFrom(...'ab <>&"\'日é🙂\n\t') });
    fc.assert(
      fc.property(visible, (text) => {
        const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
        const shown = html`${text}`.markup.replace(
          /&(amp|lt|gt|quot|#39);/g,
          (_, entity) => entities[entity]!,
        );
        expect(shown).toBe(text);
      }),
    );
  });

  test.each([
    ['a\u202egpj.exe', 'a\\u202egpj.exe'],
    ['nul\u0000 bell\u0007', 'nul\\u0000 bell\\u0007'],
    ['\ud800 alone', '\ufffd alone'],
    ['join\u2066ed', 'join\\u2066ed'],
  ])('%j is shown as what it is', (text, shown) => {
    expect(html`${text}`.markup).toBe(shown);
  });

  test('markup inside markup stays, and nothing is written for what is undefined', () => {
    expect(html`<ul>${[html`<li>${'<'}</li>`, undefined, 3]}</ul>`.markup).toBe('<ul><li>&lt;</li>3</ul>');
  });

  test('a long name keeps both ends, and no character is cut in two', () => {
    const long = `start/${'🙂'.repeat(3000)}/end.jpg`;
    const short = shortened(long, 40);
    expect([...short]).toHaveLength(40);
    expect(short.startsWith('start/')).toBe(true);
    expect(short.endsWith('/end.jpg')).toBe(true);
    expect(short.isWellFormed()).toBe(true);
    expect(name('short.jpg').markup).toBe('<bdi>short.jpg</bdi>');
  });
});

describe('a sample', () => {
  const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 60 });

  test('is the same in whatever order the values come', () => {
    fc.assert(
      fc.property(keys, fc.nat(20), (all, size) => {
        const of = (order: readonly string[]) => {
          const sample = new Sample<string>(size + 1);
          for (const key of order) sample.offer(key, () => key);
          return sample;
        };
        expect(of(all.toReversed()).inOrder).toEqual(of(all).inOrder);
        expect(of(all).values).toHaveLength(Math.min(size + 1, all.length));
        expect(of(all).seen).toBe(all.length);
      }),
    );
  });

  test('is even: neighbours do not come together', () => {
    const sample = new Sample<number>(100);
    for (let i = 0; i < 10_000; i++) sample.offer(`frames/frame-${i}.jpg`, () => i);
    const quarters = [0, 0, 0, 0];
    for (const i of sample.values) quarters[Math.floor(i / 2500)]!++;
    for (const count of quarters) expect(count).toBeGreaterThan(10);
  });
});

describe('the timeline', () => {
  const event = fc.record({
    gap: fc.integer({ min: -50, max: 20_000 }),
    outcome: fc.constantFrom(...OUTCOMES),
    bytes: fc.nat(1_000_000),
  });

  test('loses nothing in a bounded number of buckets, however long the run', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 100 }),
        (events, most) => {
          const timeline = new Timeline(0);
          let at = 0;
          for (const { gap, outcome, bytes } of events) {
            at += gap;
            timeline.add(at, outcome, bytes);
          }
          const { buckets, widthMs } = timeline.view(most);
          expect(buckets.length).toBeLessThanOrEqual(most);
          expect(buckets.length * widthMs).toBeGreaterThanOrEqual(timeline.elapsedMs);
          for (const outcome of OUTCOMES) {
            const sum = buckets.reduce((total, { counts }) => total + counts[outcome], 0);
            expect(sum).toBe(events.filter((e) => e.outcome === outcome).length);
          }
          const bytes = buckets.reduce((total, bucket) => total + bucket.bytes, 0);
          expect(bytes).toBe(events.reduce((total, e) => total + e.bytes, 0));
        },
      ),
    );
  });

  test('leaves out the hours between an interruption and its resume', () => {
    const timeline = new Timeline(0);
    timeline.add(2_000, 'ok', 1);
    timeline.add(2_000 + 3 * 3_600_000, 'ok', 1);
    timeline.add(4_000 + 3 * 3_600_000, 'ok', 1);
    expect(timeline.elapsedMs).toBe(4_000);
    expect(timeline.pauses).toEqual([{ atMs: 2_000, lastedMs: 3 * 3_600_000 }]);
  });
});

test('the histogram of sizes begins and ends with bins that are not empty', () => {
  const sizes = new SizeHistogram();
  for (const bytes of [1_500, 1_999, 2_000, 80_000, 3e12]) sizes.add(bytes);
  const { bins } = sizes;
  expect(bins[0]).toEqual({ from: 1_000, to: 2_000, count: 2 });
  expect(bins[1]).toEqual({ from: 2_000, to: 5_000, count: 1 });
  expect(bins.at(-1)).toMatchObject({ to: Number.POSITIVE_INFINITY, count: 1 });
  expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(5);
  expect(new SizeHistogram().bins).toEqual([]);
});

test('labels are counted by concept, present and negative apart, and by shape', () => {
  const counts = emptyCounts();
  const concept = (id: string, value = 1): Concept => ({ id, name: id, value });
  const box = { top: 0, left: 0, bottom: 1, right: 1 };
  addLabels(counts, { concepts: [concept('cat'), concept('dog', 0)], annotations: [] });
  addLabels(counts, {
    concepts: [concept('dog')],
    annotations: [
      { id: 'a', concepts: [concept('cat')], region: { box, keypoints: [{ x: 0, y: 0 }] } },
      { id: 'b', concepts: [concept('cat')], frame: { timeMs: 3 } },
      { id: 'c', concepts: [] },
    ],
  });
  addLabels(counts, { concepts: [], annotations: [] });
  expect(counts).toMatchObject({ inputs: 3, unlabelled: 1, annotations: 3 });
  expect(counts.ofInputs.ranked).toEqual([
    { id: 'dog', name: 'dog', positive: 1, negative: 1 },
    { id: 'cat', name: 'cat', positive: 1, negative: 0 },
  ]);
  expect(counts.ofAnnotations.ranked).toEqual([{ id: 'cat', name: 'cat', positive: 2, negative: 0 }]);
  const shapes = Object.fromEntries([...counts.shapes].filter(([, count]) => count > 0));
  expect(shapes).toEqual({ box: 1, 'key points': 1, 'video frame': 1, 'whole input': 1 });
});
