import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countFiles } from '../../src/io/count-files.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'count-'));
  mkdirSync(join(root, 'a/b'), { recursive: true });
  for (const name of ['1', 'a/2', 'a/3', 'a/b/4']) writeFileSync(join(root, name), name);
});
afterAll(() => rmSync(root, { recursive: true }));

const never = new AbortController().signal;

test('files are counted at every depth, or only at the first', async () => {
  expect(await countFiles(root, true, never)).toBe(4);
  expect(await countFiles(root, false, never)).toBe(1);
});

test('a folder that is not there counts nothing, and an abort gives no number', async () => {
  expect(await countFiles(join(root, 'nowhere'), true, never)).toBe(0);
  expect(await countFiles(root, true, AbortSignal.abort())).toBeUndefined();
});
