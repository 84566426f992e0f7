import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { sluice } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A store of texts, indexed by the built-in model. */
async function indexed(texts: readonly string[]): Promise<{ dir: string; source: string; store: string }> {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  for (const [i, text] of texts.entries()) await writeFile(join(source, `${i}.txt`), text);
  const set = ['workflow', 'set', 'words', '--text', 'default', '--device', 'cpu', '--store', store];
  expect((await sluice(set)).code).toBe(0);
  expect((await sluice(['ingest', source, '--store', store])).code).toBe(0);
  return { dir, source, store };
}

describe('the engine', () => {
  test('reports nothing to its makers, and takes a query as long as a command line can hold', async () => {
    const { dir, store } = await indexed(['a text']);
    const home = join(dir, 'home');
    const { CI, ORT_DISABLE_TELEMETRY, XDG_CACHE_HOME, ...inherited } = process.env;
    const child = spawn(
      process.execPath,
      [MAIN, 'search', '--text', 'x'.repeat(100_000), '--store', store, '--json'],
      { env: { ...inherited, HOME: home }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    child.stdout.resume();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(existsSync(join(home, '.cache/Microsoft'))).toBe(false);
    expect(existsSync(`/tmp/mat-debug-${child.pid}.log`)).toBe(false);
  });
});
