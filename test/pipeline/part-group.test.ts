import { expect, test } from 'vitest';
import type { ReadyItem } from '../../src/model/contracts.ts';
import { outcomeOf } from '../../src/model/outcome.ts';
import { PartGroup } from '../../src/pipeline/part-group.ts';

const repair = { steps: ['split'], originalSha256: 'a'.repeat(64), originalBytes: 30 };
const ids = ['x-1of3', 'x-2of3', 'x-3of3'];
const part = (id: string) => ({ item: { id, uri: id } }) as ReadyItem;
const stored = (id: string, more: object = {}) =>
  outcomeOf(id, 'deliver', 'INPUT_SUCCESS', { inputId: id, bytes: 10, ...more });

test('an item has its outcome with that of the last part, and its parts are named in their order', () => {
  const group = new PartGroup({ id: 'x', uri: 'x.txt' }, repair, ids, { good: 4 });
  expect(
    group.settle(part('x-3of3'), stored('x-3of3', { warnings: ['REPAIRED', 'UNLABELLED'] })),
  ).toBeUndefined();
  expect(group.settle(part('x-1of3'), stored('x-1of3'))).toBeUndefined();
  expect(group.settle(part('x-2of3'), stored('x-2of3'))).toMatchObject({
    inputId: 'x',
    uri: 'x.txt',
    outcome: 'ok',
    bytes: 30,
    annotations: { good: 4 },
    warnings: ['REPAIRED', 'UNLABELLED'],
    repair: { parts: ids },
  });
});

test('the part that failed is named by its number, whenever it was answered', () => {
  const group = new PartGroup({ id: 'x', uri: 'x.txt' }, repair, ids, undefined);
  group.settle(part('x-2of3'), outcomeOf('x-2of3', 'deliver', 'DELIVERY_FAILED', { message: 'refused' }));
  group.settle(part('x-1of3'), stored('x-1of3'));
  expect(group.settle(part('x-3of3'), stored('x-3of3'))).toMatchObject({
    outcome: 'failed',
    retryable: true,
    message: 'part 2 of 3: refused',
  });
});
