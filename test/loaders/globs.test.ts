import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Globs, globOptions } from '../../src/loaders/globs.ts';

const globs = (include: string[], exclude: string[] = []) => new Globs({ include, exclude });
const takes = (pattern: string, path: string) => globs([pattern]).fileExcluded(path) === undefined;

describe('include and exclude patterns', () => {
  it.each<[string, string, boolean]>([
    ['*.jpg', 'a.jpg', true],
    ['*.jpg', 'deep/er/a.jpg', true],
    ['*.jpg', 'a.JPG', false],
    ['*.{jpg,JPG}', 'x/a.JPG', true],
    ['*.jpg', '.hidden.jpg', true],
    ['*.jpg', '.hidden/a.jpg', true],
    ['/*.jpg', 'a.jpg', true],
    ['/*.jpg', 'deep/a.jpg', false],
    ['./*.jpg', 'deep/a.jpg', false],
    ['train/**', 'train/cat/a.jpg', true],
    ['train/**', 'test/train/a.jpg', false],
    ['**/train/**', 'test/train/a.jpg', true],
    ['train/*', 'train/cat/a.jpg', false],
    ['**', 'a\nb/c\nd.jpg', true],
    ['caf\u00e9*', 'cafe\u0301.jpg', true],
    ['cafe\u0301*', 'x/caf\u00e9.jpg', true],
    ['\\!important', '!important', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
  ])('%s and %s match: %s', (pattern, path, expected) => {
    expect(takes(pattern, path)).toBe(expected);
  });

  it('name the pattern that decided', () => {
    expect(globs([], ['*.tmp', 'a/*']).fileExcluded('a/b')).toBe('matches --exclude a/*');
    expect(globs(['*.jpg', '*.png']).fileExcluded('a.txt')).toBe('matches no --include: *.jpg, *.png');
    expect(globs([]).fileExcluded('a.txt')).toBeUndefined();
  });

  it('let exclude win over include', () => {
    expect(globs(['*.jpg'], ['b*']).fileExcluded('b.jpg')).toBe('matches --exclude b*');
  });

  it('leave out whole folders by exclude alone', () => {
    expect(globs([], ['node_modules']).containerExcluded('a/node_modules')).toBe(
      'matches --exclude node_modules',
    );
    expect(globs([], ['logs/**']).containerExcluded('logs')).toBe('matches --exclude logs/**');
    expect(globs(['*.jpg']).containerExcluded('a')).toBeUndefined();
  });

  it('match only folders when they end with a slash', () => {
    const only = globs([], ['tmp/']);
    expect(only.containerExcluded('a/tmp')).toBe('matches --exclude tmp/');
    expect(only.fileExcluded('a/tmp')).toBeUndefined();
  });

  it('are refused when they negate or name nothing', () => {
    const schema = z.strictObject(globOptions);
    for (const pattern of ['!*.jpg', '', '/', './', '//']) {
      expect(schema.safeParse({ exclude: [pattern] }).success).toBe(false);
    }
  });
});
