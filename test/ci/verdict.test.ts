import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../.ci/verdict.mjs', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verdict-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A report with one file of these test results. */
function verdict(results: string[], { status = '0', suite = 'passed' } = {}) {
  const file = join(folder, 'report.json');
  const assertionResults = results.map((result, i) => ({ status: result, fullName: `test ${i}` }));
  writeFileSync(file, JSON.stringify({ testResults: [{ status: suite, assertionResults }] }));
  return run(file, status);
}

function run(file: string, status: string): { exit: number | null; lastLine: string | undefined } {
  const { status: exit, stdout } = spawnSync(process.execPath, [SCRIPT, file, status], { encoding: 'utf8' });
  return { exit, lastLine: stdout.trimEnd().split('\n').at(-1) };
}

describe('the verdict on a test run', () => {
  it('is good when all tests passed', () => {
    expect(verdict(['passed', 'passed'])).toEqual({ exit: 0, lastLine: '2 passed, 0 failed' });
  });

  it('is bad when a test failed', () => {
    expect(verdict(['passed', 'failed'], { status: '1' })).toEqual({
      exit: 1,
      lastLine: '1 passed, 1 failed',
    });
  });

  it('is bad when a test was skipped without an entry in the allow-list', () => {
    expect(verdict(['passed', 'skipped'])).toEqual({ exit: 1, lastLine: '1 passed, 0 failed, 1 skipped' });
  });

  it('is bad when the test runner failed although each test passed', () => {
    expect(verdict(['passed'], { status: '1' })).toEqual({ exit: 1, lastLine: '1 passed, 0 failed' });
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(verdict([], { status: '1', suite: 'failed' })).toEqual({
      exit: 1,
      lastLine: '0 passed, 1 failed',
    });
  });

  it('is bad when nothing ran or no report was written', () => {
    expect(verdict([])).toEqual({ exit: 1, lastLine: '0 passed, 0 failed' });
    expect(run(join(folder, 'none.json'), '0')).toEqual({ exit: 1, lastLine: '0 passed, 0 failed' });
  });
});
