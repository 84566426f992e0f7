import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { protobuf } from '../../src/exporters/protobuf.ts';
import { clarifaiArchive } from '../../src/loaders/clarifai-archive.ts';
import { detectSource } from '../../src/loaders/index.ts';
import type { Listed, ListingProof, SourceItem } from '../../src/model/contracts.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import { inputBatchType } from '../support/clarifai-proto.ts';
import { testContext } from '../support/context.ts';
import { serve } from '../support/http-server.ts';
import { attempt, memorySource } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip, type ZipSpec } from '../support/zip-writer.ts';

const PROTOBUF = 'application/x.clarifai-data+protobuf';
const JSON_TYPE = 'application/x.clarifai-data+json';
const exporter = protobuf as unknown as ExporterComponent<never>;

const batch = (...inputs: object[]): Buffer =>
  Buffer.from(inputBatchType.encode(inputBatchType.fromObject({ inputs })).finish());

async function archive(entries: ZipSpec[], mimetype = PROTOBUF): Promise<string> {
  const path = join(await tempFolder(), 'x.zip');
  writeZip(path, [{ name: 'mimetype', data: mimetype, method: 0 }, ...entries]);
  return path;
}

async function listed(path: string, options: object = {}): Promise<{ found: Listed[]; proof: ListingProof }> {
  const loader = await clarifaiArchive.open(path, clarifaiArchive.options.parse(options));
  const listing = loader.list(testContext());
  const found: Listed[] = [];
  for (;;) {
    const next = await listing.next();
    if (next.done) return { found, proof: next.value };
    found.push(next.value);
  }
}

const codes = (found: readonly Listed[]) => found.map((each) => ('code' in each ? each.code : each.id));

describe('a Clarifai archive', () => {
  it('is detected by its first entry, and other ZIPs are not', async () => {
    const ours = await archive([{ name: 'all/b_n0', data: '' }]);
    expect((await detectSource(ours)).loader.name).toBe('clarifai-archive');
    const other = await archive([], 'application/epub+zip');
    expect((await detectSource(other)).loader.name).toBe('zip');
    await expect(listed(other)).rejects.toMatchObject({ code: 'SOURCE_UNRECOGNISED' });
  });

  it.each([
    [0, 'stored'],
    [8, 'compressed'],
  ])('is read with entries by method %i, %s', async (method) => {
    const bytes = Buffer.from('a picture');
    const inputs = [
      { id: 'one', data: { image: { base64: bytes }, concepts: [{ id: 'cat', value: 1 }, { id: 'dog' }] } },
      { id: 'two', data: { text: { raw: 'words' }, metadata: { fields: { n: { numberValue: 0 } } } } },
    ];
    const path = await archive([{ name: 'test/x_n2', data: batch(...inputs), method }]);
    const { found, proof } = await listed(path);
    expect(proof.complete).toBe(true);
    const [one, two] = found as SourceItem[];
    expect(one).toMatchObject({
      id: 'one',
      kind: 'image',
      split: 'test',
      uri: 'x.zip!/test/x_n2#1',
      concepts: [
        { id: 'cat', name: 'cat', value: 1 },
        { id: 'dog', name: 'dog', value: 0 },
      ],
    });
    expect(await buffer(await one!.open!(testContext().signal))).toEqual(bytes);
    expect(two).toMatchObject({ id: 'two', kind: 'text', text: 'words', metadata: { n: 0 } });
  });

  it('of JSON is read in both cases of names', async () => {
    const inputs = [
      {
        id: 'one',
        data: {
          image: { base64: Buffer.from('a picture').toString('base64') },
          regions: [
            {
              id: 'r',
              region_info: { bounding_box: { left_col: 0.5, bottom_row: 1, right_col: 1 } },
              data: { concepts: [{ id: 'cat' }] },
            },
          ],
        },
      },
    ];
    const entry = { name: 'all/x_n1', data: JSON.stringify({ inputs }), method: 0 };
    const { found } = await listed(await archive([entry], JSON_TYPE));
    const [one] = found as SourceItem[];
    expect(one!.annotations).toMatchObject([
      { id: 'r', region: { box: { top: 0, left: 0.5, bottom: 1, right: 1 } } },
    ]);
    expect(await text(await one!.open!(testContext().signal))).toBe('a picture');
  });

  it('fetches what is hosted', async () => {
    const server = await serve((request, response) => response.end(`served ${request.url}`));
    const hosted = { prefix: server.origin, suffix: 'users/me/pic', sizes: ['orig'] };
    const path = await archive([
      { name: 'b_n1', data: batch({ id: 'a', data: { image: { hosted } } }), method: 0 },
    ]);
    const { found } = await listed(path, { allowPrivateAddresses: true });
    const fetched = await (found[0] as SourceItem).fetch!(testContext().signal);
    if (fetched === 'unchanged') throw new Error('nothing was stored');
    expect(await text(fetched.stream)).toBe('served /orig/users/me/pic');
  });

  it('has one outcome for an entry whose bytes were damaged, and lists the others', async () => {
    const entry = (name: string, id: string): ZipSpec => ({
      name,
      data: batch({ id, data: { text: { raw: 'a text' } } }),
      method: 0,
    });
    const path = await archive([entry('all/a_n1', 'first'), entry('all/b_n1', 'second')]);
    const bytes = await readFile(path);
    bytes[bytes.indexOf('a text')] = 0x62;
    await writeFile(path, bytes);
    const { found, proof } = await listed(path);
    expect(codes(found)).toEqual(['ZIP_ENTRY_CORRUPT', 'second']);
    expect(proof.complete).toBe(true);
  });

  it('is not complete when an entry has other inputs than its name says', async () => {
    const path = await archive([
      { name: 'all/a_n3', data: batch({ id: 'a', data: { text: { raw: 'x' } } }), method: 0 },
    ]);
    const { found, proof } = await listed(path);
    expect(codes(found)).toEqual(['a']);
    expect(proof).toEqual({ complete: false, reason: 'x.zip!/all/a_n3 has 1 inputs where its name says 3' });
  });

  it('has an outcome for each input that cannot be used', async () => {
    const inputs = [
      { id: 'nothing' },
      { data: { text: { raw: 'no id' } } },
      { id: 'empty', data: { image: {} } },
      { id: 'file', data: { image: { url: 'file:///etc/passwd' } } },
      { id: 'good', data: { text: { raw: 'x' } } },
    ];
    const path = await archive([{ name: 'all/a_n5', data: batch(...inputs), method: 0 }]);
    expect(codes((await listed(path)).found)).toEqual([
      'INPUT_INVALID_ARGUMENT',
      'INPUT_INVALID_REQUEST',
      'INPUT_INVALID_ARGUMENT',
      'INPUT_INVALID_URL',
      'good',
    ]);
  });

  it.each([
    ['no protobuf', PROTOBUF, Buffer.from('this is no batch at all')],
    ['a batch that ends early', PROTOBUF, batch({ id: 'a', data: { text: { raw: 'x' } } }).subarray(0, -1)],
    ['no JSON', JSON_TYPE, Buffer.from('{"inputs":[{]}')],
    ['an input that is no JSON', JSON_TYPE, Buffer.from('{"inputs":[{"id":nul}]}')],
    ['an input that is no object', JSON_TYPE, Buffer.from('{"inputs":[7]}')],
    ['JSON that ends early', JSON_TYPE, Buffer.from('{"inputs":[{"id":"a"}')],
  ])('with %s for an entry says so', async (_, mimetype, data) => {
    const { found } = await listed(await archive([{ name: 'all/a_n1', data, method: 0 }], mimetype));
    expect(codes(found)).toEqual(['ZIP_ENTRY_CORRUPT']);
  });

  it('does not hold an input that is larger than allowed', async () => {
    const large = batch({ id: 'a', data: { image: { base64: Buffer.alloc(50_000) } } });
    const path = await archive([{ name: 'all/a_n1', data: large, method: 0 }]);
    expect(codes((await listed(path, { maxInputMegabytes: 0.01 })).found)).toEqual(['ZIP_ENTRY_CORRUPT']);
  });

  it('takes what stands under our key only from where we wrote it', async () => {
    const strange = [
      '{"region":5}',
      'no JSON',
      '{"concepts":[{"id":1}],"region":{"box":{"top":"high"}}}',
      '{"order":"x","annotations":7}',
    ];
    const inputs = strange.map((sluice, i) => ({
      id: `i${i}`,
      data: {
        image: { base64: Buffer.from('x') },
        metadata: { fields: { sluice: { stringValue: sluice }, own: { boolValue: true } } },
        regions: [
          {
            id: 'r',
            regionInfo: { boundingBox: { bottomRow: 1, rightCol: 1 } },
            data: { metadata: { fields: { sluice: { stringValue: sluice } } } },
          },
        ],
      },
    }));
    const path = await archive([{ name: `all/a_n${inputs.length}`, data: batch(...inputs), method: 0 }]);
    const { found } = await listed(path);
    for (const item of found as SourceItem[]) {
      expect(item.metadata).toMatchObject({ own: true });
      expect(item.annotations).toHaveLength(1);
    }
  });

  it('that is no ZIP is one outcome', async () => {
    const path = join(await tempFolder(), 'broken.zip');
    await writeFile(path, 'PK is not enough');
    expect(codes((await listed(path)).found)).toEqual(['ARCHIVE_UNREADABLE']);
  });

  it('says when media are others than those that were listed, while the archive is still open', async () => {
    const path = await archive([
      {
        name: 'all/a_n1',
        data: batch({ id: 'a', data: { image: { base64: Buffer.from('the media') } } }),
        method: 0,
      },
    ]);
    const loader = await clarifaiArchive.open(path, clarifaiArchive.options.parse({}));
    const listing = loader.list(testContext());
    const item = (await listing.next()).value as SourceItem;
    const bytes = await readFile(path);
    bytes[bytes.indexOf('the media')] = 0x54;
    await writeFile(path, bytes);
    await expect(text(await item.open!(testContext().signal))).rejects.toMatchObject({
      code: 'INPUT_CHANGED_WHILE_READ',
    });
    expect((await listing.next()).value).toEqual({
      complete: false,
      reason: 'x.zip changed while it was listed',
    });
  });

  it('reads an item after the listing has ended, and says when the archive has changed', async () => {
    const path = join(await tempFolder(), 'x.zip');
    await attempt(exporter, memorySource([{ id: 'a', content: Buffer.from('late') }]), path);
    const [item] = (await listed(path)).found as SourceItem[];
    expect(await text(await item!.open!(testContext().signal))).toBe('late');
    await writeFile(path, 'something else');
    await expect(text(await item!.open!(testContext().signal))).rejects.toMatchObject({
      code: 'INPUT_CHANGED_WHILE_READ',
    });
  });
});
