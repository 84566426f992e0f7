import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { labelNames, loadLabels } from '../../src/labels/index.ts';
import { loaderNames, loadLoader } from '../../src/loaders/index.ts';
import { runOptions } from '../../src/pipeline/config.ts';
import { RUN_FIELDS } from '../../src/pipeline/file/schema.ts';
import type { TestResult } from '../../src/pipeline/file/tests.ts';
import { sluice, sluiceJson } from '../support/cli.ts';

const PIPELINES = fileURLToPath(new URL('../../pipelines', import.meta.url));

interface Tested {
  totals: { tests: number; passed: number; failed: number };
  files: { file: string; tests: TestResult[] }[];
}

describe('the shipped pipelines', () => {
  it('have no problem, and each has a test that passes', async () => {
    const files = (await readdir(PIPELINES)).filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThanOrEqual(6);
    const lint = await sluice(['lint', ...files.map((name) => join(PIPELINES, name))]);
    expect(lint.stdout).toBe(files.map((name) => `${join(PIPELINES, name)}: ok\n`).join(''));
    const { code, json } = await sluiceJson<Tested>(['test', PIPELINES]);
    expect(json.files.flatMap(({ tests }) => tests).filter(({ passed }) => !passed)).toEqual([]);
    expect(json.files.filter(({ tests }) => tests.length === 0)).toEqual([]);
    expect(json.files).toHaveLength(files.length);
    expect(code).toBe(0);
  });

  it('leave no option unshown in every-option.yaml', async () => {
    const text = await readFile(join(PIPELINES, 'every-option.yaml'), 'utf8');
    const keys = new Map<string, string[]>();
    let parent = '';
    for (const line of text.split('\n')) {
      // Commented out or not; a comment that is prose has no key in this form.
      const key = /^[ #-]*(?<key>[A-Za-z][\w-]*):(?: |$)/.exec(line)?.groups?.['key'];
      if (key === undefined) continue;
      if (line.endsWith(':')) parent = key;
      keys.set(parent, [...(keys.get(parent) ?? []), key]);
    }
    const shownIn = (section: string) => keys.get(section) ?? [];
    for (const [section, fields] of Object.entries(RUN_FIELDS)) {
      expect(shownIn(section), section).toEqual(expect.arrayContaining(Object.keys(fields)));
    }
    const components = [
      ...(await Promise.all(loaderNames.map(loadLoader))),
      ...(await Promise.all(labelNames.map(loadLabels))),
    ];
    for (const { name, options } of components) {
      expect(shownIn(name), name).toEqual(
        expect.arrayContaining(Object.keys((options as z.ZodObject).shape)),
      );
    }
    expect(
      Object.values(RUN_FIELDS)
        .flatMap((fields) => Object.values(fields))
        .sort(),
    ).toEqual(Object.keys(runOptions.shape).sort());
  });
});
