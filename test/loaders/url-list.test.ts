import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { csv } from '../../src/loaders/csv.ts';
import { urlList } from '../../src/loaders/url-list.ts';
import { isOutcome, type SourceItem } from '../../src/model/contracts.ts';
import { testContext } from '../support/context.ts';
import { listSource } from '../support/listing.ts';
import { tempFolder } from '../support/temp-folder.ts';

async function fileOf(content: string | Buffer, name = 'urls.txt'): Promise<string> {
  const path = join(await tempFolder(), name);
  await writeFile(path, content);
  return path;
}

const list = async (content: string | Buffer, options = {}) =>
  listSource(urlList, await fileOf(content), options);

const detect = (head: string) =>
  urlList.detect({ source: 'x.txt', isDirectory: false, head: Buffer.from(head) });

describe('a list of URLs', () => {
  it('has an item a line; blank lines and comments are none', async () => {
    const { all, proof } = await list(
      '\ufeff# photos\r\n\r\nhttps://example.org/a.jpg\r\n  HTTP://example.org/b%20c.png?w=1  \nhttps://example.org',
    );
    expect(all).toMatchObject([
      { uri: 'urls.txt#L3', url: 'https://example.org/a.jpg', fileName: 'a.jpg' },
      { uri: 'urls.txt#L4', url: 'HTTP://example.org/b%20c.png?w=1', fileName: 'b%20c.png' },
      { uri: 'urls.txt#L5', url: 'https://example.org', fileName: '' },
    ]);
    for (const item of all) expect((item as SourceItem).fetch).toBeTypeOf('function');
    expect(proof).toEqual({ complete: true, evidence: 'all 98 bytes of urls.txt were read: 5 lines' });
  });

  it('gives a URL the same id wherever it stands, and a repeated one another', async () => {
    const one = await list('https://example.org/a.jpg\nhttps://example.org/b.jpg\n');
    const two = await list(
      'https://example.org/b.jpg\n\nhttps://example.org/a.jpg\nhttps://example.org/a.jpg\n',
    );
    const [a, b] = one.items.map(({ id }) => id);
    const ids = two.items.map(({ id }) => id);
    expect(ids.slice(0, 2)).toEqual([b, a]);
    expect(new Set(ids)).toHaveLength(3);
    expect(ids[2]).toMatch(/^a-/);
  });

  it('gives a URL the id that a CSV gives it', async () => {
    const { items } = await list('https://example.org/a.jpg\n');
    const rows = await listSource(csv, await fileOf('input\nhttps://example.org/a.jpg\n', 'a.csv'));
    expect(items[0]!.id).toBe(rows.items[0]!.id);
  });

  it('refuses what is no URL, and says where it stands', async () => {
    const { all } = await list(
      [
        'https://example.org/a.jpg',
        'ftp://example.org/b.jpg',
        'https://example.org/c.jpg\tcat',
        'photos/d.jpg',
        'https://',
        `https://example.org/${'x'.repeat(64_000)}`,
        'https://example.org/e.jpg',
      ].join('\n'),
    );
    expect(all.map((each) => (isOutcome(each) ? each.code : 'item'))).toEqual([
      'item',
      ...Array(5).fill('INPUT_INVALID_URL'),
      'item',
    ]);
    expect(all[2]).toMatchObject({
      uri: 'urls.txt#L3',
      message:
        'urls.txt:3: expected an http or https URL alone on its line ("https://example.org/c.jpg\\tcat")',
      record: { line: 3 },
    });
    expect(all[5]).toMatchObject({ measured: 64_020, limit: 64_000 });
  });

  it('shows no secret of a URL that it refuses', async () => {
    const { outcomes } = await list('https://user:hunter2@example.org/a?token=t0k3n cat\n');
    expect(JSON.stringify(outcomes)).toContain('example.org/a');
    expect(JSON.stringify(outcomes)).not.toMatch(/hunter2|t0k3n/);
  });

  it('is incomplete when it changed while it was listed', async () => {
    const path = await fileOf('https://example.org/a.jpg\n'.repeat(50_000));
    const loader = await urlList.open(path, urlList.options.parse({}));
    const listing = loader.list(testContext());
    await listing.next();
    await appendFile(path, 'https://example.org/b.jpg\n');
    let next = await listing.next();
    while (!next.done) next = await listing.next();
    expect(next.value).toMatchObject({ complete: false });
  });

  it('is not read in UTF-16, which has a byte order mark', async () => {
    await expect(list(Buffer.from('\ufeffhttps://example.org/a', 'utf16le'))).rejects.toMatchObject({
      code: 'SOURCE_UNRECOGNISED',
      message: 'urls.txt is in UTF-16; write it in UTF-8',
    });
  });

  it.each([
    ['https://example.org/a.jpg\n', true],
    ['\ufeff# mine\n\nhttp://example.org/a.jpg', true],
    [`https://example.org/${'a'.repeat(100)}\nhttps://exa`, true],
    ['# only a comment\n', false],
    ['https://example.org/a.jpg\nsome text\nhttps://example.org/b.jpg\n', false],
    ['', false],
  ])('is detected by its first lines: %j', (head, expected) => {
    expect(detect(head) !== undefined).toBe(expected);
  });

  it('is fatal when it is not there', async () => {
    await expect(listSource(urlList, join(await tempFolder(), 'none.txt'))).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_NOT_FOUND',
    });
  });
});
