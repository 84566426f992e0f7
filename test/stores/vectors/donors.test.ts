import { expect, test } from 'vitest';
import { Donors } from '../../../src/stores/local/vectors/donors.ts';
import { whole } from './support.ts';

/** 3 MB. */
const large = (content: string) => ({ ...whole('i', content), vector: new Float32Array(750_000) });

test('the vectors of a content are kept, and those that were not asked for the longest go first', () => {
  const donors = new Donors();
  donors.keep('a', [large('a')]);
  donors.keep('b', [large('b')]);
  expect(donors.find(['a', 'c'])).toEqual({ found: new Map([['a', [large('a')]]]), missing: ['c'] });
  donors.keep('c', [large('c')]);
  expect(donors.find(['a', 'b', 'c']).missing).toEqual(['b']);
  donors.keep('c', [large('c')]);
  expect(donors.find(['a', 'c']).missing).toEqual([]);
});
