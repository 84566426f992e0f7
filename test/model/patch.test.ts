import { describe, expect, test } from 'vitest';
import { patchObject } from '../../src/model/patch.ts';

const stored = {
  a: 1,
  deep: { x: 1, y: { z: 2 } },
  people: [
    { id: 'ann', age: 1 },
    { id: 'bob', age: 2, tags: ['t'] },
  ],
  words: ['one'],
};

describe('merge', () => {
  const merge = (patch: Record<string, unknown>) => patchObject('merge', stored, patch);

  test('merges objects deeply, and scalars replace', () => {
    expect(merge({ deep: { y: { w: 3 }, x: 9 }, b: false })).toEqual({
      ...stored,
      deep: { x: 9, y: { z: 2, w: 3 } },
      b: false,
    });
  });

  test('merges entries of lists that have equal ids and appends the others', () => {
    const { people } = merge({ people: [{ id: 'bob', age: 3 }, { id: 'eve' }, 'nobody'] });
    expect(people).toEqual([
      { id: 'ann', age: 1 },
      { id: 'bob', age: 3, tags: ['t'] },
      { id: 'eve' },
      'nobody',
    ]);
    expect(merge({ words: ['one', 'two'] })['words']).toEqual(['one', 'one', 'two']);
  });

  test('replaces by an empty object and an empty list', () => {
    expect(merge({ deep: {}, people: [], words: [] })).toEqual({ a: 1, deep: {}, people: [], words: [] });
  });

  test('does nothing for null, at any depth', () => {
    expect(merge({ a: null, deep: { x: null, y: { z: null } }, people: null })).toEqual(stored);
  });

  test('replaces a value of another type', () => {
    expect(merge({ a: { b: 1 }, deep: [1], words: 'none' })).toEqual({
      ...stored,
      a: { b: 1 },
      deep: [1],
      words: 'none',
    });
  });
});

describe('remove', () => {
  const remove = (patch: Record<string, unknown>) => patchObject('remove', stored, patch);

  test('deletes keys by true, at any depth', () => {
    expect(remove({ a: true, deep: { y: { z: true } }, nothing: true })).toEqual({
      deep: { x: 1, y: {} },
      people: stored.people,
      words: ['one'],
    });
  });

  test('overwrites by other scalars', () => {
    expect(remove({ a: 2, deep: { x: false } })).toEqual({
      ...stored,
      a: 2,
      deep: { x: false, y: { z: 2 } },
    });
  });

  test('deletes entries of lists by their id', () => {
    expect(remove({ people: [{ id: 'ann' }, { id: 'eve' }] })['people']).toEqual([stored.people[1]]);
  });

  test('does nothing for an empty object and null', () => {
    expect(remove({ a: null, deep: {}, people: [] })).toEqual(stored);
    expect(remove({ deep: { y: {}, x: null } })).toEqual(stored);
  });

  test('refuses lists without ids, naming the place', () => {
    expect(() => remove({ words: ['one'] })).toThrow(/^words: /);
    expect(() => remove({ deep: { list: [{ id: 'a' }, { name: 'b' }] } })).toThrow(/^deep\.list: /);
  });
});

test('overwrite replaces all of it', () => {
  expect(patchObject('overwrite', stored, { b: null })).toEqual({ b: null });
});

test('a patch changes neither what is stored nor itself, and a key called __proto__ is a key', () => {
  const before = structuredClone(stored);
  const patch = JSON.parse('{"__proto__": {"polluted": true}, "people": [{"id": "ann", "age": 5}]}');
  const copy = structuredClone(patch);
  const result = patchObject('merge', stored, patch);
  expect(Object.keys(result)).toContain('__proto__');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(patchObject('remove', result, JSON.parse('{"__proto__": true}'))).not.toHaveProperty(
    '__proto__.polluted',
  );
  expect(stored).toEqual(before);
  expect(patch).toEqual(copy);
});
