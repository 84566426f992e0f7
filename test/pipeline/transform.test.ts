import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Context,
  isOutcome,
  type Listed,
  type Loader,
  type SourceItem,
} from '../../src/model/contracts.ts';
import { FatalError } from '../../src/model/errors.ts';
import { loadTransform, type Transform, transformedLoader } from '../../src/pipeline/transform.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

const complete = { complete: true, evidence: 'all' } as const;

const loaderOf = (entries: Listed[], thrown?: Error): Loader => ({
  describes: 'a list',
  fingerprint: async () => 'f',
  async *list() {
    yield* entries;
    if (thrown !== undefined) throw thrown;
    return complete;
  },
});

async function run(entries: Listed[], transform: Transform, ctx: Context = testContext(), thrown?: Error) {
  const listing = transformedLoader(loaderOf(entries, thrown), transform).list(ctx);
  const all: Listed[] = [];
  for (;;) {
    const next = await listing.next();
    if (next.done) return { all, proof: next.value };
    all.push(next.value);
  }
}

const text = (n: number): SourceItem => ({ id: `t${n}`, uri: `t${n}.txt`, text: `text ${n}` });
const one = async (item: SourceItem, transform: Transform) => (await run([item], transform)).all[0]!;

describe('a transform', () => {
  it('may change everything but the uri, in place or in a copy', async () => {
    const added = { id: 'long', name: 'long', value: 1 };
    const inPlace = await one(text(1), (item) => {
      item.concepts.push(added);
      item.metadata['words'] = 2;
    });
    expect(inPlace).toEqual({ ...text(1), concepts: [added], metadata: { words: 2 } });
    const copied = await one({ ...text(1), size: 6, fingerprint: 'x' }, async (item) => ({
      ...item,
      id: 'mine',
      text: 'other',
      split: 'train',
      geo: { latitude: 1, longitude: 2 },
      annotations: [{ ref: 'a', unit: 'normalised', concepts: [added], span: { start: 0, end: 2 } }],
    }));
    expect(copied).toEqual({
      id: 'mine',
      idGiven: true,
      uri: 't1.txt',
      text: 'other',
      split: 'train',
      geo: { latitude: 1, longitude: 2 },
      annotations: [{ ref: 'a', unit: 'normalised', concepts: [added], span: { start: 0, end: 2 } }],
    });
  });

  it('leaves an item that it does not touch as it is, bytes and all', async () => {
    const item = { id: 'a', uri: 'a.jpg', file: '/a.jpg', size: 3, fingerprint: 'f', pending: [] };
    expect(await one({ ...item }, () => undefined)).toEqual(item);
  });

  it('cannot change what other items share', async () => {
    const shared = [{ id: 'cat', name: 'cat', value: 1 }];
    await one({ ...text(1), concepts: shared }, (item) => {
      item.concepts[0]!.id = 'dog';
    });
    expect(shared[0]!.id).toBe('cat');
  });

  it('drops an item with its reason, also without returning anything', async () => {
    expect(await one(text(1), (_item, ctx) => ctx.drop('too short'))).toMatchObject({
      outcome: 'skipped',
      stage: 'transform',
      code: 'TRANSFORM_DROPPED',
      inputId: 't1',
      message: 'too short',
    });
  });

  it.each<[string, (item: Record<string, unknown>) => unknown]>([
    ['threw Error: no such thing', () => Promise.reject(new Error('no such thing'))],
    ['no item: Invalid input: expected object', () => 'nonsense'],
    ['Unrecognized key: "concept"', (item) => ({ ...item, concept: ['cat'] })],
    ['concepts[0].id: ', (item) => ({ ...item, concepts: [{ id: 5 }] })],
    [
      'annotations[0].region.box.top: expected a number',
      (item) => ({ ...item, annotations: [{ region: { box: { top: '1', left: 0, bottom: 1, right: 1 } } }] }),
    ],
    ['changed the uri, to other', (item) => ({ ...item, uri: 'other' })],
    ['removed the text', ({ text: _text, ...item }) => item],
  ])('makes what goes wrong the outcome of its item alone: %s', async (message, transform) => {
    const { all, proof } = await run([text(1), text(2)], (item) =>
      item.id === 't1' ? (transform(item as unknown as Record<string, unknown>) as undefined) : item,
    );
    expect(all[0]).toMatchObject({
      outcome: 'failed',
      stage: 'transform',
      code: 'TRANSFORM_FAILED',
      uri: 't1.txt',
      retryable: true,
    });
    expect((all[0] as { message: string }).message).toContain(message);
    expect(all[1]).toMatchObject({ id: 't2' });
    expect(proof).toEqual(complete);
  });

  it('runs for several items at once, and keeps their order', async () => {
    let atOnce = 0;
    let most = 0;
    const items = Array.from({ length: 60 }, (_, n) => text(n));
    const { all } = await run(items, async (item) => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, Number(item.id.slice(1)) % 7));
      atOnce--;
      return item;
    });
    expect(all.map((listed) => listed.uri)).toEqual(items.map(({ uri }) => uri));
    expect(most).toBe(16);
  });

  it('does not see outcomes, and lets what was listed before a fatal error through', async () => {
    const outcome = { uri: 'x', outcome: 'skipped', stage: 'list', code: 'JUNK_FILE' } as never;
    const seen: string[] = [];
    const listed: Listed[] = [];
    const fatal = new FatalError('SOURCE_NOT_FOUND', 'gone');
    const listing = transformedLoader(loaderOf([outcome, text(1)], fatal), (item) => {
      seen.push(item.uri);
    }).list(testContext());
    await expect(
      (async () => {
        for await (const entry of listing) listed.push(entry);
      })(),
    ).rejects.toBe(fatal);
    expect(listed).toHaveLength(2);
    expect(listed.filter(isOutcome)).toEqual([outcome]);
    expect(seen).toEqual(['t1.txt']);
  });

  it('ends the listing when it is cut short', async () => {
    let ended = false;
    const endless: Loader = {
      ...loaderOf([]),
      async *list() {
        try {
          for (let n = 0; ; n++) yield text(n);
        } finally {
          ended = true;
        }
      },
    };
    for await (const _ of transformedLoader(endless, () => undefined).list(testContext())) break;
    expect(ended).toBe(true);
  });
});

describe('loading a transform', () => {
  it('takes a TypeScript module as it is', async () => {
    const module = join(await tempFolder(), 't.ts');
    await writeFile(module, 'export default (item: { split?: string }): void => { item.split = "test"; };\n');
    expect(await one(text(1), await loadTransform({ module, export: 'default' }))).toMatchObject({
      split: 'test',
    });
  });

  it.each([
    ['export const = 1;', /t\.mjs cannot be loaded: /],
    ['throw new Error("at once");', /t\.mjs cannot be loaded: at once/],
    [
      'export function clean() {}\nexport const n = 1;',
      /exports no function named default; it exports clean$/,
    ],
  ])('says what is wrong with %s', async (source, message) => {
    const module = join(await tempFolder(), 't.mjs');
    await writeFile(module, source);
    const loading = loadTransform({ module, export: 'default' });
    await expect(loading).rejects.toMatchObject({ name: 'FatalError', code: 'PIPELINE_INVALID' });
    await expect(loading).rejects.toThrow(message);
  });
});
