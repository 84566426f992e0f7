import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { folderLabels, labelOptions } from '../../src/loaders/labels.ts';

const ids = (path: string, labelLevel: number | 'all') =>
  folderLabels(path, { labels: 'folder', labelLevel }).map((concept) => concept.id);

describe('labels from folders', () => {
  it.each<[string, number | 'all', string[]]>([
    ['a/b/c/1.jpg', 1, ['c']],
    ['a/b/c/1.jpg', 2, ['b']],
    ['a/b/c/1.jpg', 3, ['a']],
    ['a/b/c/1.jpg', 4, []],
    ['a/b/c/1.jpg', -1, ['a']],
    ['a/b/c/1.jpg', -3, ['c']],
    ['a/b/c/1.jpg', -4, []],
    ['a/b/c/1.jpg', 'all', ['a', 'b', 'c']],
    ['a/b/a/1.jpg', 'all', ['a', 'b']],
    ['1.jpg', 1, []],
    ['1.jpg', -1, []],
    ['1.jpg', 'all', []],
  ])('of %s at level %s are %j', (path, level, expected) => {
    expect(ids(path, level)).toEqual(expected);
  });

  it('count the folders inside an archive first, and its own name not at all', () => {
    expect(ids('a/x.zip!/b/c.jpg', 1)).toEqual(['b']);
    expect(ids('a/x.zip!/b/c.jpg', 2)).toEqual(['a']);
    expect(ids('a/X.ZIP!/c.jpg', 1)).toEqual(['a']);
    expect(ids('x.zip!/c.jpg', 1)).toEqual([]);
  });

  it('are the same for a name in composed and in decomposed characters', () => {
    const [composed, decomposed] = ['caf\u00e9/1.jpg', 'cafe\u0301/1.jpg'];
    expect(ids(composed, 1)).toEqual(['caf\u00e9']);
    expect(ids(decomposed, 1)).toEqual(['caf\u00e9']);
  });

  it('have value 1, and name and id alike', () => {
    expect(folderLabels('Big Cats/1.jpg', { labels: 'folder', labelLevel: 1 })).toEqual([
      { id: 'Big Cats', name: 'Big Cats', value: 1 },
    ]);
  });

  it('are none unless asked for', () => {
    expect(folderLabels('a/1.jpg', { labels: 'none', labelLevel: 1 })).toEqual([]);
  });

  it('take the level as a number or as its text, and never 0', () => {
    const schema = z.strictObject(labelOptions);
    expect(schema.parse({})).toEqual({ labels: 'none', labelLevel: 1 });
    expect(schema.parse({ labelLevel: '-2' }).labelLevel).toBe(-2);
    expect(schema.parse({ labelLevel: 'all' }).labelLevel).toBe('all');
    for (const labelLevel of [0, '0', '', 1.5, 'some'])
      expect(schema.safeParse({ labelLevel }).success).toBe(false);
  });
});
