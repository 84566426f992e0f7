import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotationsOfPart } from '../../src/annotations/parts.ts';
import type { Annotation } from '../../src/model/annotation.ts';

const LENGTH = 1000;
/** Places of parts that divide the whole without a gap. */
const division = fc
  .uniqueArray(fc.integer({ min: 1, max: LENGTH - 1 }), { maxLength: 5 })
  .map((borders) => [0, ...borders.sort((a, b) => a - b), LENGTH])
  .map((all) => all.slice(1).map((end, i) => ({ begin: all[i]!, end, isLast: end === LENGTH })));
const stretch = fc
  .tuple(fc.integer({ min: 0, max: LENGTH }), fc.integer({ min: 0, max: LENGTH }))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const annotation = (rest: Partial<Annotation>): Annotation => ({ id: 'a', concepts: [], ...rest });

test('every moment, stretch and span is in the parts that it touches, at its place there, and nothing is lost', () => {
  fc.assert(
    fc.property(division, stretch, fc.integer({ min: 0, max: LENGTH }), (places, { from, to }, timeMs) => {
      const frames = places.flatMap((place) =>
        annotationsOfPart([annotation({ frame: { timeMs } })], { ...place, unit: 'ms' }).map(
          ({ frame }) => frame!.timeMs + place.begin,
        ),
      );
      expect(frames).toEqual([timeMs]);

      const segments = places.flatMap((place) =>
        annotationsOfPart([annotation({ segment: { beginMs: from, endMs: to } })], {
          ...place,
          unit: 'ms',
        }).map(({ segment }) => [segment!.beginMs + place.begin, segment!.endMs + place.begin]),
      );
      expect(segments[0]![0]).toBe(from);
      expect(segments.at(-1)![1]).toBe(to);
      segments.slice(1).forEach(([begin], i) => {
        expect(begin).toBe(segments[i]![1]);
      });

      const text = Array.from({ length: LENGTH }, (_, i) => String.fromCharCode(0x4e00 + i)).join('');
      const spans = places.flatMap((place) =>
        annotationsOfPart([annotation({ span: { start: from, end: to, text: text.slice(from, to) } })], {
          ...place,
          unit: 'characters',
        }).map(({ span }) => {
          expect(text.slice(place.begin, place.end).slice(span!.start, span!.end)).toBe(span!.text);
          return span!.text;
        }),
      );
      expect(spans.join('')).toBe(text.slice(from, to));
    }),
  );
});

test('what has no place in the input is in every part', () => {
  const whole = annotation({ concepts: [{ id: 'news', name: 'news', value: 1 }] });
  expect(annotationsOfPart([whole], { unit: 'ms', begin: 10, end: 20, isLast: false })).toEqual([whole]);
});
