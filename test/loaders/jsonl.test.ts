import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv } from '../../src/loaders/csv.ts';
import { jsonl } from '../../src/loaders/jsonl.ts';
import { isOutcome, type Listed } from '../../src/model/contracts.ts';
import { testContext } from '../support/context.ts';
import { type Listing, listSource } from '../support/listing.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Writes files into a fresh folder and gives the path of the first. */
async function files(contents: Record<string, string | Buffer>): Promise<string> {
  const folder = join(await tempFolder(), 'in');
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return join(folder, Object.keys(contents)[0]!);
}

const list = async (
  content: string | Buffer,
  options: Record<string, unknown> = {},
  beside: Record<string, string> = {},
): Promise<Listing> => listSource(jsonl, await files({ 'x.jsonl': content, ...beside }), options);

const lines = (...values: unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');
const one = async (value: unknown, beside?: Record<string, string>): Promise<Listed> =>
  (await list(lines(value), {}, beside)).all[0]!;
const short = (listed: Listed): string => (isOutcome(listed) ? `${listed.uri} ${listed.code}` : listed.id);

describe('a line', () => {
  it('is a text with its labels', async () => {
    const line = {
      id: 'a',
      kind: 'text',
      text: 'Grüße\n😀',
      concepts: [{ id: 'cat', name: 'Cat', value: 0 }, { id: 'dog' }],
      metadata: { nested: { list: [1, null] } },
      geo: { latitude: 1, longitude: -2 },
      split: 'train',
    };
    const { all, proof } = await list(lines(line));
    const concepts = [line.concepts[0], { id: 'dog', name: 'dog', value: 1 }];
    expect(all).toEqual([{ ...line, concepts, idGiven: true, uri: 'x.jsonl#L1' }]);
    expect(proof).toMatchObject({
      complete: true,
      evidence: expect.stringMatching(/^all \d+ bytes .*1 lines$/),
    });
  });

  it('is a file beside it, by file or by the uri that an export has', async () => {
    const beside = { 'photos/a.jpg': 'JPEG', 'photos/50%.zip!/b#2': 'odd' };
    for (const line of [{ file: 'photos/a.jpg' }, { uri: 'photos/a.jpg', kind: 'image' }]) {
      expect(await one({ id: 'a', ...line }, beside)).toMatchObject({
        id: 'a',
        uri: 'x.jsonl#L1',
        file: expect.stringMatching(/a\.jpg$/),
        size: 4,
        fileName: 'a.jpg',
      });
    }
    expect(await one({ id: 'b', uri: './photos/50%25.zip%21/b%232' }, beside)).toMatchObject({ size: 3 });
  });

  it('is a URL, by url or by a uri that is one', async () => {
    const url = 'https://example.org/a.jpg';
    for (const line of [{ url }, { uri: url }]) {
      expect(await one({ id: 'a', ...line })).toMatchObject({
        url,
        fileName: 'a.jpg',
        fetch: expect.any(Function),
      });
    }
    const secret = await one({ id: 'a', url: 'ftp://user:hunter2@example.org/a' });
    expect(secret).toMatchObject({ code: 'INPUT_INVALID_URL', inputId: 'a' });
    expect(await one({ id: 'a', url: 'https://example.org/a b' })).toMatchObject({
      code: 'INPUT_INVALID_URL',
    });
  });

  it('is an image with a text beside it', async () => {
    const item = await one({ id: 'a', kind: 'image', text: 'a cat', uri: 'a.jpg' }, { 'a.jpg': 'JPEG' });
    expect(item).toMatchObject({ kind: 'image', text: 'a cat', size: 4 });
  });

  it('has annotations, each read for itself', async () => {
    const item = await one({
      id: 'a',
      text: 'some words',
      annotations: [{ id: '1', concepts: [{ id: 'x' }], span: { start: 0, end: 4 } }, { span: 'words' }],
    });
    expect(item).toMatchObject({
      annotations: [
        { id: '1', ref: 'x.jsonl#L1/annotations/0', span: { start: 0, end: 4 } },
        { ref: 'x.jsonl#L1/annotations/1', code: 'ANNOTATION_INVALID_ARGUMENT' },
      ],
    });
  });

  it('may have what a run finds out itself, as a listing prints it', async () => {
    const line = {
      ...{ schema: 1, id: 'a', kind: 'text', uri: 'poems/snow.txt', sha256: '0'.repeat(64), bytes: 4 },
      ...{ media: { format: 'text' }, text: 'snow', concepts: [], metadata: {}, datasets: ['default'] },
      ...{ annotations: [], embeddings: [] },
    };
    expect(await one(line)).toEqual({
      ...{
        id: 'a',
        idGiven: true,
        kind: 'text',
        uri: 'x.jsonl#L1',
        text: 'snow',
        concepts: [],
        metadata: {},
      },
      annotations: [],
    });
  });

  it('without an id has the one that a CSV gives the same input', async () => {
    const { items } = await list(lines({ text: 'hello' }, { text: 'hello' }), { idPrefix: 'p' });
    const rows = await listSource(csv, await files({ 'a.csv': 'input\nhello\nhello\n' }), {
      csvType: 'raw',
      idPrefix: 'p',
    });
    expect(items.map(({ id }) => id)).toEqual(rows.items.map(({ id }) => id));
    expect(items[0]).not.toHaveProperty('idGiven');
  });
});

describe('a line that is no input', () => {
  it.each<[name: string, line: unknown, message: string | RegExp]>([
    ['an unknown field', { id: 'a', txt: 'x' }, 'there is no field "txt"; did you mean "text"?'],
    ['one that is like none', { id: 'a', text: 'x', wholly: 1 }, 'there is no field "wholly"'],
    ['a label of another form', { id: 'a', text: 'x', concepts: 'cat' }, /^concepts: .*expected array/],
    [
      'a value out of range',
      { id: 'a', text: 'x', concepts: [{ id: 'c', value: 2 }] },
      /^concepts\[0\]\.value: /,
    ],
    [
      'a place off the earth',
      { id: 'a', text: 'x', geo: { latitude: 91, longitude: 0 } },
      /^geo\.latitude: /,
    ],
    ['an unknown kind', { id: 'a', text: 'x', kind: 'picture' }, /^kind: .*"image"/],
    ['no input', { id: 'a', concepts: [] }, 'the line has no input: give text, file or url'],
    ['two inputs', { id: 'a', file: 'a', url: 'https://b' }, 'the line has two inputs, file and url'],
    ['two texts', { id: 'a', kind: 'text', file: 'a', text: 'b' }, 'the line has two inputs, text and file'],
    [
      'a text beside a sound',
      { id: 'a', kind: 'audio', file: 'a', text: 'b' },
      /^only an image can have a text/,
    ],
    [
      'an image without bytes',
      { id: 'a', kind: 'image', text: 'b' },
      'the line has no image: give file or url',
    ],
    [
      'metadata nested too deep',
      { id: 'a', text: 'x', metadata: deep(200) },
      'nested deeper than 100 levels',
    ],
  ])('has %s', async (_name, line, message) => {
    const outcome = await one(line);
    expect(outcome).toMatchObject({ outcome: 'rejected', code: 'INPUT_INVALID_ARGUMENT', inputId: 'a' });
    const said = (outcome as { message: string }).message;
    expect(said.startsWith('x.jsonl:1: ')).toBe(true);
    expect(said.slice('x.jsonl:1: '.length)).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });

  it('names line and column of what is broken, and the others go on', async () => {
    const good = (id: number) => JSON.stringify({ id: `${id}`, text: 'x' });
    const content = [
      good(1),
      good(2),
      good(3),
      good(4),
      '{"id": "5", "text": oops}',
      good(6),
      '[1]',
      '{"id"',
    ];
    const { all, proof } = await list(content.join('\n'));
    const broken = [5, 7, 8].map((n) => `x.jsonl#L${n} INPUT_INVALID_ARGUMENT`);
    expect(all.map(short)).toEqual(['1', '2', '3', '4', broken[0], '6', broken[1], broken[2]]);
    expect(all[4]).toMatchObject({
      message: 'x.jsonl:5:21: the line is not JSON: it has an unexpected "o"',
      record: { line: 5 },
    });
    expect(all[7]).toMatchObject({ message: 'x.jsonl:8:6: the line is not JSON: it ends too early' });
    expect(proof.complete).toBe(true);
  });

  it('is over the limit, or not valid UTF-8', async () => {
    const long = lines({ id: 'long', text: 'x'.repeat(2000) });
    const bytes = Buffer.concat([
      Buffer.from('{"id":"a","text":"caf'),
      Buffer.from([0xe9]),
      Buffer.from('"}\n'),
    ]);
    const { all } = await list(
      Buffer.concat([Buffer.from(long), bytes, Buffer.from(lines({ id: 'b', text: 'x' }))]),
      {
        maxLineBytes: 1000,
      },
    );
    expect(all.map(short)).toEqual([
      'x.jsonl#L1 INPUT_INVALID_ARGUMENT',
      'x.jsonl#L2 INPUT_INVALID_ARGUMENT',
      'b',
    ]);
    expect(all[0]).toMatchObject({ measured: long.length - 1, limit: 1000 });
    expect(all[1]).toMatchObject({ message: 'x.jsonl:2: the line is not valid UTF-8' });
  });

  it('names a file that is not there, or leads out of the folder', async () => {
    const path = await files({
      'x.jsonl': lines(
        { id: 'a', file: 'none.jpg' },
        { id: 'b', file: '../out.jpg' },
        { id: 'c', file: 'link.jpg' },
        { id: 'd', kind: 'image', uri: 'urls.csv#L5' },
      ),
      '../out.jpg': 'outside',
    });
    await symlink('../out.jpg', join(dirname(path), 'link.jpg'));
    const { all } = await listSource(jsonl, path);
    expect(all.map((each) => isOutcome(each) && each.code)).toEqual([
      'INPUT_NOT_FOUND',
      'PATH_OUTSIDE_BASE',
      'PATH_OUTSIDE_BASE',
      'INPUT_NOT_FOUND',
    ]);
    expect(all[0]).toMatchObject({ inputId: 'a', message: 'x.jsonl:1: no such file ("none.jpg")' });
    const allowed = await listSource(jsonl, path, { allowOutside: true });
    expect(allowed.items.map(({ id }) => id)).toEqual(['b', 'c']);
  });
});

it('the example has inputs of every sort', async () => {
  const { all } = await listSource(
    jsonl,
    fileURLToPath(new URL('../../examples/inputs.jsonl', import.meta.url)),
  );
  expect(all.map(short)).toEqual(['chelsea', 'rocket', 'frog']);
});

describe('a file', () => {
  const line = JSON.stringify({ id: 'a', text: 'x' });

  it.each([
    ['with the header', `{"schema":1,"type":"inputs"}\n${line}\n`],
    ['with CRLF', `${line}\r\n`],
    ['with a byte order mark', `\ufeff${line}\n`],
    ['without a line end at its end', line],
    ['with blank lines', `\n${line}\n \r\n\n`],
  ])('%s has its items', async (_name, content) => {
    const { all } = await list(content);
    expect(all.map(short)).toEqual(['a']);
  });

  it('of something else is fatal, and so is one in UTF-16', async () => {
    const unrecognised = { name: 'FatalError', code: 'SOURCE_UNRECOGNISED' };
    await expect(list(`{"schema":1,"type":"ledger"}\n${line}`)).rejects.toMatchObject(unrecognised);
    await expect(list(`{"schema":2,"type":"inputs"}\n${line}`)).rejects.toThrow('starts with the header');
    await expect(list(Buffer.from(`\ufeff${line}`, 'utf16le'))).rejects.toMatchObject(unrecognised);
  });

  it('has a header in its first line only', async () => {
    const { all } = await list(`${line}\n{"schema":1,"type":"inputs"}\n`);
    expect(all.map(short)).toEqual(['a', 'x.jsonl#L2 INPUT_INVALID_ARGUMENT']);
  });

  it('keeps the order of lines, whether they are looked up or not', async () => {
    const beside = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}.txt`, `${i}`]));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('text', 'file', 'broken'), { maxLength: 300 }),
        async (kinds) => {
          const content = kinds
            .map((kind, i) =>
              kind === 'broken'
                ? '{'
                : JSON.stringify({
                    id: `${i}`,
                    ...(kind === 'text' ? { text: 'x' } : { file: `${i % 20}.txt` }),
                  }),
            )
            .join('\n');
          const { all } = await list(content, {}, beside);
          expect(all.map(short)).toEqual(
            kinds.map((kind, i) => (kind === 'broken' ? `x.jsonl#L${i + 1} INPUT_INVALID_ARGUMENT` : `${i}`)),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  it('ends when the run is stopped', async () => {
    const controller = new AbortController();
    const path = await files({ 'x.jsonl': `${line}\n`.repeat(50_000) });
    const loader = await jsonl.open(path, jsonl.options.parse({}));
    const listing = loader.list(testContext({ signal: controller.signal }));
    await listing.next();
    controller.abort(new Error('ctrl-c'));
    const drain = async () => {
      while (!(await listing.next()).done);
    };
    await expect(drain()).rejects.toThrow('ctrl-c');
  });
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}
