import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { s3 } from '../../../src/loaders/s3.ts';
import { listBucket, mediaBucket } from '../../support/bucket.ts';
import { testContext } from '../../support/context.ts';
import { listSource } from '../../support/listing.ts';
import { isGet, s3FaultProxy } from '../../support/s3-fault-proxy.ts';
import { missingVersityGw } from '../../support/versitygw.ts';

const missing = missingVersityGw();
const never = new AbortController().signal;

const codes = (outcomes: readonly { uri: string; code: string }[]) =>
  outcomes.map(({ uri, code }) => `${uri} ${code}`);

describe.skipIf(missing)(`rows in a bucket${missing === undefined ? '' : `: ${missing}`}`, () => {
  it('lists a CSV that is the source, whose cells are keys relative to it or addresses', async () => {
    const { endpoint } = await mediaBucket({
      'in/rows.csv':
        'inputid,input,concepts\na,img/1.txt,cat\nb,s3://media/else/2.txt,dog\n,img/gone.txt,\n,../else/2.txt,\n',
      'in/img/1.txt': 'one',
      'else/2.txt': 'two',
    });
    const { items, outcomes, proof } = await listBucket(endpoint, 'in/rows.csv');
    expect(items).toMatchObject([
      { id: 'a', uri: 'rows.csv#L2', size: 3, fileName: '1.txt', concepts: [{ id: 'cat' }] },
      { id: 'b', uri: 'rows.csv#L3', size: 3, fileName: '2.txt', concepts: [{ id: 'dog' }] },
    ]);
    expect(await text(await items[1]!.open!(never))).toBe('two');
    expect(codes(outcomes)).toEqual(['rows.csv#L4 INPUT_NOT_FOUND', 'rows.csv#L5 PATH_OUTSIDE_BASE']);
    expect(proof).toMatchObject({ complete: true });
    const wider = await listBucket(endpoint, 'in/rows.csv', { allowOutside: true });
    expect(wider.items.map(({ uri }) => uri)).toEqual(['rows.csv#L2', 'rows.csv#L3', 'rows.csv#L5']);
  });

  it('takes objects of another bucket only where that is allowed', async () => {
    const gateway = await mediaBucket({ 'rows.csv': 'input\ns3://other/x.txt\n' });
    await gateway.makeBucket('other');
    await gateway.put('other', 'x.txt', 'elsewhere');
    const { outcomes } = await listBucket(gateway.endpoint, 'rows.csv');
    expect(outcomes).toMatchObject([
      { code: 'PATH_OUTSIDE_BASE', message: expect.stringContaining('--allow-outside') },
    ]);
    const { items } = await listBucket(gateway.endpoint, 'rows.csv', { allowOutside: true });
    expect(await text(await items[0]!.open!(never))).toBe('elsewhere');
  });

  it('lists JSON Lines that are the source', async () => {
    const lines = [
      { schema: 1, type: 'inputs' },
      { id: 'a', file: 'x.txt' },
      { text: 'a text' },
      { file: 'no.txt' },
    ];
    const { endpoint } = await mediaBucket({
      'in/rows.jsonl': lines.map((line) => JSON.stringify(line)).join('\n'),
      'in/x.txt': 'bytes',
    });
    const { items, outcomes } = await listBucket(endpoint, 'in/rows.jsonl');
    expect(items).toMatchObject([
      { id: 'a', uri: 'rows.jsonl#L2', size: 5 },
      { uri: 'rows.jsonl#L3', text: 'a text' },
    ]);
    expect(codes(outcomes)).toEqual(['rows.jsonl#L4 INPUT_NOT_FOUND']);
  });

  it('labels objects by a manifest and lists the others as usual', async () => {
    const { endpoint } = await mediaBucket({
      'in/labels/rows.csv': 'input,concepts\n../1.txt,cat\ns3://media/in/2.txt,dog\n',
      'in/1.txt': '1',
      'in/2.txt': '2',
      'in/3.txt': '3',
    });
    for (const manifest of ['labels/rows.csv', 's3://media/in/labels/rows.csv']) {
      const { all } = await listBucket(endpoint, 'in/', { manifest });
      expect(all).toMatchObject([
        { uri: 'labels/rows.csv#L2', concepts: [{ id: 'cat' }] },
        { uri: 'labels/rows.csv#L3', concepts: [{ id: 'dog' }] },
        { uri: '3.txt' },
      ]);
    }
  });

  it('refuses a manifest that is not there, in another bucket, or no file of rows', async () => {
    const { endpoint } = await mediaBucket({ 'in/1.txt': '1', 'rows.csv': 'input\n' });
    const open = (manifest: string) => listBucket(endpoint, 'in/', { manifest });
    await expect(open('no.csv')).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    for (const manifest of ['1.txt', 's3://other/rows.csv', 's3://media/rows.csv'])
      await expect(open(manifest)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('says of a file that may not be read that it is denied', async () => {
    const proxy = await s3FaultProxy((await mediaBucket({ 'rows.csv': 'input\na text\n' })).endpoint);
    proxy.faults.push((request) =>
      isGet(request) ? { error: { status: 403, code: 'AccessDenied' } } : undefined,
    );
    await expect(listSource(s3, 's3://media/rows.csv', { endpoint: proxy.endpoint })).rejects.toMatchObject({
      code: 'SOURCE_ACCESS_DENIED',
    });
  });

  it('is known by the state of its file, which is never read in another one', async () => {
    const gateway = await mediaBucket({ 'rows.csv': 'input\na text\n' });
    const { endpoint } = gateway;
    const open = () => s3.open('s3://media/rows.csv', s3.options.parse({ endpoint }));
    const loader = await open();
    const before = await loader.fingerprint();
    await gateway.put('media', 'rows.csv', 'input\nanother text\n');
    expect(await loader.fingerprint()).not.toBe(before);
    expect(await (await open()).fingerprint()).toBe(await loader.fingerprint());
    await expect(loader.list(testContext()).next()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  it('reads a prefix that only looks like the name of a file as a prefix', async () => {
    const { endpoint } = await mediaBucket({ 'a.csv.d/1.txt': '1' });
    const { items } = await listSource(s3, 's3://media/a.csv', { endpoint });
    expect(items.map(({ uri }) => uri)).toEqual(['a.csv.d/1.txt']);
  });
});
