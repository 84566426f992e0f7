import { expect, it } from 'vitest';
import { junkRule } from '../../src/loaders/junk.ts';

it.each([
  ['.DS_Store', '.DS_Store'],
  ['a/b/.DS_Store', '.DS_Store'],
  ['__MACOSX/a/._b.jpg', '__MACOSX/'],
  ['a/__MACOSX/b.jpg', '__MACOSX/'],
  ['a/._b.jpg', '._*'],
  ['Thumbs.db', 'Thumbs.db'],
  ['a/THUMBS.DB', 'Thumbs.db'],
  ['ehthumbs.db', 'Thumbs.db'],
  ['a/Desktop.ini', 'desktop.ini'],
  ['a/Icon\r', 'Icon\\r'],
  ['a/.localized', '.localized'],
  ['.Trashes/501/a.jpg', '.Trashes/'],
  ['.Spotlight-V100/x', '.Spotlight-V100/'],
  ['.fseventsd/x', '.fseventsd/'],
  ['$RECYCLE.BIN/x.jpg', '$RECYCLE.BIN/'],
  ['System Volume Information/x', 'System Volume Information/'],
  ['a/@eaDir/b.jpg/SYNOPHOTO_THUMB.jpg', '@eaDir/'],
])('%j is junk by the rule %s', (path, rule) => {
  expect(junkRule(path)).toBe(rule);
});

it.each([
  'a.jpg',
  '__MACOSX',
  'x__MACOSX/a.jpg',
  '__MACOSX.jpg',
  'my.DS_Store',
  '.DS_Store/a.jpg',
  '.ds_store',
  '_.jpg',
  '._/a.jpg',
  'Thumbs.db.jpg',
  'thumbs/db.jpg',
  'Icon.jpg',
  'a$RECYCLE.BIN/x.jpg',
  '.hidden.jpg',
  '@eaDir.jpg',
])('%j is a file like any other', (path) => {
  expect(junkRule(path)).toBeUndefined();
});
