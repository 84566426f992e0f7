import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyTable } from '../../src/io/key-table.ts';

test('a table answers like a Map for any sequence of writes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ maxLength: 6 }), fc.double({ noNaN: true }))), (writes) => {
      const table = new KeyTable();
      const map = new Map<string, number>();
      for (const [key, value] of writes) {
        expect(table.set(key, value)).toBe(!map.has(key));
        map.set(key, value);
      }
      expect(table.size).toBe(map.size);
      for (const [key, value] of map) expect(table.get(key)).toBe(value);
      expect(table.get('never written, surely')).toBeUndefined();
    }),
  );
});

test('300 000 similar keys keep apart and cost typed arrays only', () => {
  const table = new KeyTable({ values: false });
  const before = process.memoryUsage();
  for (let i = 0; i < 300_000; i++) expect(table.set(`a/b/c/image-${i}.jpg`) || i).toBe(true);
  expect(table.size).toBe(300_000);
  expect(table.has('a/b/c/image-77.jpg')).toBe(true);
  expect(table.has('a/b/c/image-300000.jpg')).toBe(false);
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  expect(grown).toBeLessThan(300_000 * 8 * 6);
});
