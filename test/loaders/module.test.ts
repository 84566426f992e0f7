import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { moduleLoader } from '../../src/loaders/module.ts';
import { listSource } from '../support/listing.ts';
import { tempFolder } from '../support/temp-folder.ts';

async function moduleOf(source: string, name = 'items.mjs'): Promise<string> {
  const path = join(await tempFolder(), name);
  await writeFile(path, source);
  return path;
}

const list = async (source: string, options: Record<string, unknown> = {}) =>
  listSource(moduleLoader, await moduleOf(source), options);

describe('a loader of the user’s own', () => {
  it('is a TypeScript generator, whose end is the proof', async () => {
    const path = fileURLToPath(new URL('../../pipelines/modules/poems.ts', import.meta.url));
    const { items, outcomes, proof } = await listSource(moduleLoader, path, { idPrefix: 'verse' });
    expect(outcomes).toEqual([]);
    expect(items.length).toBeGreaterThan(10);
    expect(items[0]).toEqual({
      id: expect.stringMatching(/^verse-1-/),
      uri: 'snow/1.txt',
      text: expect.any(String),
      concepts: [{ id: 'snow', name: 'snow', value: 1 }],
      metadata: { line: 1 },
    });
    expect(proof).toEqual({ complete: true, evidence: `poems.ts ended after ${items.length} items` });
  });

  it.each([
    ['a list', 'export default [{ uri: "a", text: "A" }]'],
    ['a function that returns a list', 'export default () => [{ uri: "a", text: "A" }]'],
    ['a generator', 'export default function* () { yield { uri: "a", text: "A" } }'],
    ['a promise of a list', 'export default async () => [{ uri: "a", text: "A" }]'],
    [
      'a loader',
      'export default { describes: "mine", fingerprint: async () => "f", async *list() { yield { id: "x", uri: "a", text: "A" }; return { complete: true, evidence: "e" } } }',
    ],
  ])('may be %s', async (_what, source) => {
    const { items, proof } = await list(source);
    expect(items).toMatchObject([{ uri: 'a', text: 'A' }]);
    expect(proof.complete).toBe(true);
  });

  it('is handed its options, its folder and a signal', async () => {
    const source =
      'export const mine = ({ options, base, signal }) => [{ uri: options.uri, text: base + signal.aborted }]';
    const { items } = await list(source, { export: 'mine', options: { uri: 'u' } });
    expect(items).toMatchObject([{ uri: 'u', text: expect.stringMatching(/false$/) }]);
  });

  it('gives content as a file beside it, a stream, bytes or a URL', async () => {
    const path = await moduleOf(`
      import { Readable } from 'node:stream';
      export default [
        { uri: 'file', file: 'beside.txt' },
        { uri: 'stream', open: () => Readable.from([Buffer.from('a stream')]) },
        { uri: 'bytes', open: async () => new TextEncoder().encode('bytes') },
        { uri: 'url', url: 'https://example.com/a/b.jpg' },
      ];`);
    await writeFile(join(path, '..', 'beside.txt'), 'a file');
    const { items } = await listSource(moduleLoader, path);
    expect(items[0]).toMatchObject({
      size: 6,
      fileName: 'beside.txt',
      file: expect.stringMatching(/beside\.txt$/),
    });
    const { signal } = new AbortController();
    expect(await textOf(await items[1]!.open!(signal))).toBe('a stream');
    expect(await textOf(await items[2]!.open!(signal))).toBe('bytes');
    expect(items[3]).toMatchObject({ url: 'https://example.com/a/b.jpg', fileName: 'b.jpg' });
  });

  it.each([
    ['5', 'items.mjs#0', 'item 1 of items.mjs is none: Invalid input: expected object'],
    ['{ text: "x" }', 'items.mjs#0', 'uri: Invalid input: expected string'],
    ['{ uri: "a" }', 'a', 'no content'],
    ['{ uri: "a", file: "a", url: "http://a/" }', 'a', 'two contents'],
    ['{ uri: "a", url: "ftp://a/" }', 'a', 'url: expected an http or https URL'],
    ['{ uri: "a", text: "x", labels: [] }', 'a', 'Unrecognized key: "labels"'],
    ['{ uri: "a", text: "x", concepts: ["cat"] }', 'a', 'concepts[0]: Invalid input: expected object'],
    [
      '{ uri: "a", text: "x", annotations: [{ span: { start: "0", end: 1 } }] }',
      'a',
      'annotations[0].span.start: expected a number',
    ],
    ['{ uri: "a", file: "nowhere.jpg" }', 'a', 'nowhere.jpg: no such file'],
  ])('makes an outcome of what is no item: %s', async (yielded, uri, message) => {
    const { all, proof } = await list(`export default [${yielded}, { uri: 'good', text: 'x' }]`);
    expect(all[0]).toMatchObject({ uri, stage: 'list', message: expect.stringContaining(message) });
    expect(all[1]).toMatchObject({ uri: 'good' });
    expect(proof.complete).toBe(true);
  });

  it('tells items of one uri apart', async () => {
    const { items } = await list('export default [1, 2].map((n) => ({ uri: "a", text: "x" }))');
    expect(items.map(({ uri }) => uri)).toEqual(['a', 'a#2']);
    expect(new Set(items.map(({ id }) => id)).size).toBe(2);
  });

  it('is incomplete when it throws before its end', async () => {
    const { items, proof } = await list(
      'export default function* () { yield { uri: "a", text: "A" }; throw new Error("no more") }',
    );
    expect(items).toHaveLength(1);
    expect(proof).toEqual({ complete: false, reason: 'items.mjs threw after 1 items: no more' });
  });

  it.each([
    ['export const = 1', /cannot be loaded/],
    ['export const other = []', /has no export named default; it exports other/],
    ['export default 5', /gives no items/],
    ['export default () => { throw new Error("no token") }', /cannot be started: no token/],
  ])('cannot be opened: %s', async (source, message) => {
    await expect(list(source)).rejects.toMatchObject({ name: 'FatalError', code: 'PIPELINE_INVALID' });
    await expect(list(source)).rejects.toThrow(message);
  });

  it('is not found where there is none', async () => {
    await expect(listSource(moduleLoader, join(await tempFolder(), 'no.ts'))).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });

  it('is never detected, for detecting would run it', () => {
    expect(
      moduleLoader.detect({ source: 'a.ts', isDirectory: false, head: Buffer.alloc(0) }),
    ).toBeUndefined();
  });
});
