import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { LabelSource, Listed, ListingProof, Loader } from '../../src/model/contracts.ts';
import { outcomeOf } from '../../src/model/outcome.ts';
import { ingest } from '../../src/pipeline/ingest.ts';
import { joinedLoader } from '../../src/pipeline/joined-loader.ts';
import { labelledLoader } from '../../src/pipeline/labelled-loader.ts';
import { resume } from '../../src/pipeline/resume.ts';
import { ledgerOf } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

let dir: string;
const put = async (path: string, text: string) => {
  await mkdir(join(dir, path, '..'), { recursive: true });
  await writeFile(join(dir, path), text);
};
beforeEach(async () => {
  dir = await tempFolder();
});

const listOf = (entries: Listed[], proof: ListingProof): Loader => ({
  describes: 'a list',
  fingerprint: async () => undefined,
  async *list() {
    yield* entries;
    return proof;
  },
});

const drain = async (loader: Loader) => {
  const entries = loader.list(testContext());
  const all: Listed[] = [];
  for (;;) {
    const next = await entries.next();
    if (next.done) return { all, proof: next.value };
    all.push(next.value);
  }
};

describe('several sources in one run', () => {
  const run = (sources: object[], store = join(dir, 'store')) =>
    ingest({ store, sources: sources as never }) as Promise<Awaited<ReturnType<typeof ingest>>>;

  test('are one listing, told apart by name in uris and derived ids', async () => {
    await put('one/a.txt', 'first');
    await put('two/a.txt', 'second');
    await put('rows.csv', 'inputid,input\nr1,third\n');
    const report = await run([
      { source: join(dir, 'one') },
      { source: join(dir, 'two'), name: 'second' },
      { source: join(dir, 'rows.csv') },
    ]);
    expect(report.totals).toEqual({ listed: 3, ok: 3, rejected: 0, failed: 0, skipped: 0 });
    expect(report.sources.map(({ name, type }) => [name, type])).toEqual([
      ['one', 'folder'],
      ['second', 'folder'],
      ['rows', 'csv'],
    ]);
    const lines = ledgerOf(join(dir, 'store'), report.runId);
    expect(lines.map(({ uri }) => uri)).toEqual(['one/a.txt', 'second/a.txt', 'rows/rows.csv#L2']);
    expect(lines.map(({ inputId }) => inputId!.replace(/[0-9a-z]{16}$/, ''))).toEqual([
      'one-a-',
      'second-a-',
      'r1',
    ]);
  });

  test('reject an id that a source before has given', async () => {
    await put('one.csv', 'inputid,input\nsame,first\n');
    await put('two.csv', 'inputid,input\nsame,second\n');
    const report = await run([{ source: join(dir, 'one.csv') }, { source: join(dir, 'two.csv') }]);
    expect(report.byCode).toEqual({ INPUT_SUCCESS: 1, INPUT_DUPLICATE: 1 });
    const lines = ledgerOf(join(dir, 'store'), report.runId);
    expect(lines.find(({ outcome }) => outcome === 'rejected')!.message).toBe(
      'two/two.csv#L2 has the same id as one/one.csv#L2: same',
    );
  });

  test('are not read again when nothing changed, also beside another source than before', async () => {
    await put('one/a.txt', 'first');
    await put('two/b.txt', 'second');
    await put('three/c.txt', 'third');
    const [one, two, three] = ['one', 'two', 'three'].map((name) => ({ source: join(dir, name) }));
    await run([one!, two!]);
    const again = await run([three!, one!]);
    expect(again.byCode).toEqual({ INPUT_SUCCESS: 1, INPUT_UNCHANGED: 1 });
    expect(again.bytes.read).toBe('third'.length);
  });

  test('need names of their own', async () => {
    await put('one/x/a.txt', 'first');
    await put('two/x/a.txt', 'second');
    await expect(run([{ source: join(dir, 'one/x') }, { source: join(dir, 'two/x') }])).rejects.toMatchObject(
      {
        code: 'CONFIG_INVALID',
        message: 'two sources are named x; give each a name of its own',
      },
    );
  });

  test('are incomplete as soon as one of them is, which is named, and the others are listed all the same', async () => {
    const item = (uri: string) => ({ id: uri, uri, text: uri });
    const joined = joinedLoader([
      { name: 'one', loader: listOf([item('a')], { complete: false, reason: 'a folder could not be read' }) },
      { name: 'two', loader: listOf([item('a')], { complete: true, evidence: 'all' }) },
    ]);
    const { all, proof } = await drain(joined);
    expect(all.map(({ uri }) => uri)).toEqual(['one/a', 'two/a']);
    expect(proof).toEqual({ complete: false, reason: 'one: a folder could not be read' });
  });

  test('are resumed as a whole', async () => {
    for (let i = 0; i < 300; i++) await put(`one/${i}.txt`, `one ${i}`);
    for (let i = 0; i < 300; i++) await put(`two/${i}.txt`, `two ${i}`);
    const store = join(dir, 'store');
    const stop = new AbortController();
    const sources = [{ source: join(dir, 'one') }, { source: join(dir, 'two') }];
    const cut = await ingest(
      { store, sources, options: { batchItems: 8 } },
      {
        stop: stop.signal,
        onStart: () => setTimeout(() => stop.abort(), 1),
      },
    );
    const report = cut.status === 'complete' ? cut : await resume({ store, runId: cut.runId });
    expect(report.totals).toMatchObject({ listed: 600, ok: 600 });
    expect(new Set((await storedIn(store)).map(({ id }) => id)).size).toBe(600);
  });
});

describe('a listing with labels', () => {
  const labels = (): LabelSource & { taken: string[] } => ({
    taken: [],
    describes: 'labels.json',
    concepts: [],
    open: async () => {},
    owns: (uri) => uri === 'labels.json',
    match(item) {
      this.taken.push(item.uri);
      return item.uri === 'a.jpg' ? { annotations: 2, load: async () => ({ concepts: [] }) } : undefined;
    },
    async *unmatched() {
      yield outcomeOf('labels.json#images/9', 'list', 'LABELS_WITHOUT_INPUT', { message: 'z.jpg' });
    },
    close: async () => {},
  });
  const items = () => ['a.jpg', 'b.jpg', 'labels.json'].map((uri) => ({ id: uri, uri, file: uri }));

  test('gives items what was found for them, skips the label file, and ends with the labels that are left', async () => {
    const source = labels();
    const { all } = await drain(labelledLoader(listOf(items(), { complete: true, evidence: '' }), [source]));
    expect(all.map((listed) => ('outcome' in listed ? listed.code : listed.pending?.length))).toEqual([
      1,
      0,
      'LABEL_FILE',
      'LABELS_WITHOUT_INPUT',
    ]);
    expect(source.taken).toEqual(['a.jpg', 'b.jpg']);
  });

  test('takes the labels of what is left out, too, which share its outcome', async () => {
    const source = labels();
    const left = outcomeOf('a.jpg', 'list', 'EXCLUDED');
    const { all } = await drain(labelledLoader(listOf([left], { complete: true, evidence: '' }), [source]));
    expect(all[0]).toEqual({ ...left, annotations: { good: 2 } });
    expect(source.taken).toEqual(['a.jpg']);
  });

  test('calls no labels left over when the listing is incomplete', async () => {
    const proof: ListingProof = { complete: false, reason: 'a folder could not be read' };
    const { all, proof: given } = await drain(labelledLoader(listOf(items(), proof), [labels()]));
    expect(all).toHaveLength(3);
    expect(given).toEqual(proof);
  });
});
