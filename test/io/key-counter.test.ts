import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyCounter } from '../../src/io/key-counter.ts';

it('counts how often each key came', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('', 'a', 'b', 'ab', 'é', '0')), (keys) => {
      const counter = new KeyCounter();
      const expected = new Map<string, number>();
      for (const key of keys) {
        expected.set(key, (expected.get(key) ?? 0) + 1);
        expect(counter.next(key)).toBe(expected.get(key));
      }
    }),
  );
});
