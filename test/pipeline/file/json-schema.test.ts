import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

const published = z.fromJSONSchema(JSON.parse(read('docs/schemas/pipeline.json')));
const isSound = (text: string): boolean => published.safeParse(parse(text)).success;

it('the published JSON Schema takes every shipped pipeline, and each names it for editors', () => {
  const files = readdirSync(new URL('pipelines/', ROOT)).filter((name) => name.endsWith('.yaml'));
  expect(files.length).toBeGreaterThanOrEqual(6);
  for (const file of files) {
    const text = read(`pipelines/${file}`);
    expect(text, file).toMatch(/^# yaml-language-server: \$schema=\.\.\/docs\/schemas\/pipeline\.json\n/);
    expect(isSound(text), file).toBe(true);
  }
});

it.each([
  ['source: photos', true],
  ['source: [photos, { name: a, csv: { path: a.csv } }]', true],
  ['source: photos\non_failure: { maxRejected: 10 }', true],
  ['{}', false],
  ['sources: photos', false],
  ['source: { folder: { path: photos, lables: folder } }', false],
  ['source: { folder: { path: photos }, csv: { path: a.csv } }', false],
  ['source: photos\nbatch: { items: 0 }', false],
  ['source: photos\nvalidate: { check: never }', false],
])('the published JSON Schema judges %s as the linter does', (text, sound) => {
  expect(isSound(text)).toBe(sound);
});

it('the published JSON Schema explains every key', () => {
  const { properties } = JSON.parse(read('docs/schemas/pipeline.json')) as {
    properties: Record<string, { description?: string }>;
  };
  for (const [key, { description }] of Object.entries(properties)) expect(description, key).toBeTruthy();
});
