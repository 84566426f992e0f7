import { expect, test } from 'vitest';
import { annotationTest } from '../../src/annotations/filter.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import type { AnnotationFilter } from '../../src/model/dataset.ts';

const annotation = (rest: Partial<Annotation> = {}): Annotation => ({ id: 'a', concepts: [], ...rest });
const passes = (filter: AnnotationFilter | undefined, rest?: Partial<Annotation>) =>
  annotationTest(filter)(annotation(rest));

test('without a filter all pass but the rejected', () => {
  expect(passes(undefined)).toBe(true);
  for (const status of ['success', 'pending', 'awaiting_review', 'awaiting_consensus_review'] as const) {
    expect(passes({}, { status })).toBe(true);
  }
  for (const status of ['failed', 'review_denied'] as const) expect(passes({}, { status })).toBe(false);
});

test('statuses that are named are the ones that pass, and none is a success', () => {
  expect(passes({ statuses: ['failed'] }, { status: 'failed' })).toBe(true);
  expect(passes({ statuses: ['failed'] }, { status: 'success' })).toBe(false);
  expect(passes({ statuses: ['failed'] })).toBe(false);
  expect(passes({ statuses: ['success'] })).toBe(true);
});

test('one of the concepts is enough, present or negative', () => {
  const concepts = [
    { id: 'cat', name: 'Cat', value: 0 },
    { id: 'dog', name: 'Dog', value: 1 },
  ];
  expect(passes({ concepts: ['cat', 'eel'] }, { concepts })).toBe(true);
  expect(passes({ concepts: ['Cat'] }, { concepts })).toBe(false);
  expect(passes({ concepts: ['cat'] })).toBe(false);
});

test('the annotator must be one that is named', () => {
  expect(passes({ annotators: ['ann'] }, { annotator: 'ann' })).toBe(true);
  expect(passes({ annotators: ['ann'] }, { annotator: 'bob' })).toBe(false);
  expect(passes({ annotators: ['ann'] })).toBe(false);
});

test('the time is that of the last change; it includes the begin and not the end', () => {
  const filter = { after: '2026-01-01', before: '2026-02-01T00:00:00+01:00' };
  expect(passes(filter, { createdAt: '2026-01-01T00:00:00.000Z' })).toBe(true);
  expect(passes(filter, { createdAt: '2025-12-31T23:59:59.999Z' })).toBe(false);
  expect(passes(filter, { createdAt: '2026-01-31T22:59:59.999Z' })).toBe(true);
  expect(passes(filter, { createdAt: '2026-01-31T23:00:00.000Z' })).toBe(false);
  expect(passes(filter, { createdAt: '2020-01-01T00:00:00Z', modifiedAt: '2026-01-02T00:00:00Z' })).toBe(
    true,
  );
  expect(passes(filter)).toBe(false);
  expect(passes({ before: '2030-01-01' })).toBe(false);
});

test('one of the kinds is enough, and what has no place is concepts', () => {
  const region = {
    box: { top: 0, left: 0, bottom: 1, right: 1 },
    mask: { size: [1, 1] as [1, 1], counts: '01' },
  };
  expect(passes({ kinds: ['mask', 'span'] }, { region })).toBe(true);
  expect(passes({ kinds: ['polygon'] }, { region })).toBe(false);
  expect(passes({ kinds: ['frame'] }, { region, frame: { timeMs: 0 } })).toBe(true);
  expect(passes({ kinds: ['concepts'] })).toBe(true);
  expect(passes({ kinds: ['concepts'] }, { segment: { beginMs: 0, endMs: 1 } })).toBe(false);
});

test('every field that is given must be met', () => {
  const filter: AnnotationFilter = { annotators: ['ann'], kinds: ['concepts'], statuses: ['pending'] };
  expect(passes(filter, { annotator: 'ann', status: 'pending' })).toBe(true);
  expect(passes(filter, { annotator: 'ann' })).toBe(false);
  expect(passes(filter, { status: 'pending' })).toBe(false);
});
