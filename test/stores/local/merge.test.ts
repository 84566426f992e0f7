import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  combineLabels,
  type IncomingLabels,
  type Labels,
  sameLabels,
} from '../../../src/stores/local/merge.ts';

const concept = (id: string, value = 1) => ({ id, name: id, value });
const labels = (fields: Partial<Labels> = {}): Labels => ({
  concepts: [],
  metadata: {},
  geo: undefined,
  split: undefined,
  ...fields,
});
const item = labels as (fields?: Partial<IncomingLabels>) => IncomingLabels;

const stored = labels({
  concepts: [concept('cat'), concept('dog')],
  metadata: { a: 1, deep: { x: 1, list: [1] } },
  geo: { latitude: 1, longitude: 2 },
  split: 'train',
});

test('merge adds to what is stored, and the item wins where both say something', () => {
  const brought = item({
    concepts: [concept('dog', 0), concept('eel')],
    metadata: { deep: { y: 2, list: [2] }, b: null },
    split: 'test',
  });
  expect(combineLabels(stored, brought, 'merge')).toEqual({
    concepts: [concept('cat'), concept('dog', 0), concept('eel')],
    metadata: { a: 1, deep: { x: 1, y: 2, list: [2] }, b: null },
    geo: { latitude: 1, longitude: 2 },
    split: 'test',
  });
});

test('overwrite takes the item as it is, keep takes nothing of it', () => {
  const brought = item({ concepts: [concept('eel')] });
  expect(combineLabels(stored, brought, 'overwrite')).toEqual(labels({ concepts: [concept('eel')] }));
  expect(combineLabels(stored, brought, 'keep')).toEqual(stored);
});

test('a metadata key called __proto__ is a key like others', () => {
  const metadata = JSON.parse('{"__proto__": {"polluted": true}}');
  const merged = combineLabels(stored, item({ metadata }), 'merge').metadata;
  expect(Object.keys(merged)).toContain('__proto__');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

const anyLabels = fc.record({
  concepts: fc.array(
    fc.record({ id: fc.constantFrom('a', 'b', 'c'), name: fc.string(), value: fc.constantFrom(0, 1) }),
  ),
  metadata: fc.dictionary(fc.constantFrom('k', 'l', '__proto__'), fc.jsonValue()) as fc.Arbitrary<
    Record<string, unknown>
  >,
  geo: fc.option(fc.record({ latitude: fc.integer(), longitude: fc.integer() }), { nil: undefined }),
  split: fc.option(fc.constantFrom('train', 'test'), { nil: undefined }),
});

test('the same item again changes nothing, whatever the policy', () => {
  fc.assert(
    fc.property(
      anyLabels,
      anyLabels,
      fc.constantFrom('merge', 'overwrite', 'keep'),
      (before, brought, policy) => {
        const once = combineLabels(before, brought, policy);
        expect(sameLabels(once, combineLabels(once, brought, policy))).toBe(true);
      },
    ),
  );
});

test('order says nothing, values do', () => {
  const a = labels({ concepts: [concept('x'), concept('y')], metadata: { p: 1, q: 2 } });
  const b = labels({ concepts: [concept('y'), concept('x')], metadata: { q: 2, p: 1 } });
  expect(sameLabels(a, b)).toBe(true);
  expect(sameLabels(a, { ...b, metadata: { q: 2 } })).toBe(false);
  expect(sameLabels(a, { ...b, concepts: [concept('y'), concept('x', 0)] })).toBe(false);
  expect(sameLabels(a, { ...b, split: 'train' })).toBe(false);
});
