import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SeenIds } from '../../src/pipeline/seen.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'seen-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('the first uri of an id is named at every later use', () => {
  const seen = SeenIds.in(join(dir, 'made/when/needed'));
  expect(seen.firstUse('a', 'x/1.jpg')).toBeUndefined();
  expect(seen.firstUse('b', 'x/2.jpg')).toBeUndefined();
  expect(seen.firstUse('a', 'y/1.jpg')).toBe('x/1.jpg');
  expect(seen.firstUse('a', 'z/1.jpg')).toBe('x/1.jpg');
  seen.close();
});

test('it answers like a Map, also across the block that is still in memory', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ maxLength: 2 }), fc.string({ maxLength: 3000, unit: 'grapheme' }))),
      (uses) => {
        const seen = SeenIds.in(dir);
        const map = new Map<string, string>();
        for (const [id, uri] of uses) {
          expect(seen.firstUse(id, uri)).toBe(map.get(id));
          if (!map.has(id)) map.set(id, uri);
        }
        seen.close();
      },
    ),
  );
});

test('closing removes the file', () => {
  const seen = SeenIds.in(dir);
  seen.firstUse('a', 'b');
  seen.close();
  expect(existsSync(join(dir, 'ids.tmp'))).toBe(false);
});
