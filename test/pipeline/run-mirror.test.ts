import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { RunMirror } from '../../src/pipeline/run-mirror.ts';
import { openBucket } from '../../src/stores/index.ts';
import { bucketServer } from '../stores/bucket/support.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { missingVersityGw } from '../support/versitygw.ts';

const TIMEOUT = { timeout: 180_000 };
const missing = missingVersityGw();

async function mirrored() {
  const server = await bucketServer();
  const dir = await tempFolder();
  const folder = join(dir, 'run');
  await mkdir(folder);
  await writeFile(join(folder, 'run.json'), '{}');
  const clock = new FakeClock();
  const mirror = async () => new RunMirror(server.store, 'run', await openBucket(server.store), clock);
  const fetched = async (to: string) => {
    const copy = join(dir, to);
    await (await mirror()).fetch(copy);
    return readFile(join(copy, 'ledger.jsonl'), 'utf8');
  };
  const ledger = join(folder, 'ledger.jsonl');
  return { ...server, folder, ledger, clock, mirror, fetched };
}

describe.skipIf(missing !== undefined)(`a run beside a bucket ${missing ?? ''}`, () => {
  it('has its whole lines there as they are written, and comes back with them', TIMEOUT, async () => {
    const { folder, ledger, mirror, fetched, keys } = await mirrored();
    const first = await mirror();
    await first.begin(folder);
    await writeFile(ledger, '{"n":1}\n{"n":2}\n{"n"');
    await first.pushLines(folder);
    expect(await fetched('a')).toBe('{"n":1}\n{"n":2}\n');
    await appendFile(ledger, ':3}\n');
    await first.pushLines(folder);
    await first.pushLines(folder);
    expect(await fetched('b')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
    expect((await keys('runs/run/ledger.jsonl.parts/')).length).toBe(2);
    await first.finish(folder);
    expect(await keys('runs/run/')).toEqual(['runs/run/ledger.jsonl', 'runs/run/run.json']);
    expect(await fetched('c')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
  });

  it('goes on elsewhere where the bucket ends, also after a run that had ended', TIMEOUT, async () => {
    const { folder, ledger, mirror, fetched } = await mirrored();
    const first = await mirror();
    await writeFile(ledger, '{"n":1}\n');
    await first.begin(folder);
    await first.finish(folder);
    const second = await mirror();
    const elsewhere = join(folder, 'elsewhere');
    await second.fetch(elsewhere);
    await appendFile(join(elsewhere, 'ledger.jsonl'), '{"n":2}\n');
    await second.pushLines(elsewhere);
    expect(await fetched('a')).toBe('{"n":1}\n{"n":2}\n');
    await second.finish(elsewhere);
    expect(await fetched('b')).toBe('{"n":1}\n{"n":2}\n');
  });

  it('leaves out parts that the whole file has, which a kill kept from being removed', TIMEOUT, async () => {
    const { folder, ledger, mirror, fetched, put } = await mirrored();
    const first = await mirror();
    await writeFile(ledger, '{"n":1}\n{"n":2}\n');
    await first.finish(folder);
    await put('store-bucket', 'data/store/runs/run/ledger.jsonl.parts/000000000000008', '{"n":2}\n');
    expect(await fetched('a')).toBe('{"n":1}\n{"n":2}\n');
  });

  it('is told to be damaged when a part is gone', TIMEOUT, async () => {
    const { folder, ledger, mirror, fetched, client } = await mirrored();
    const first = await mirror();
    for (const n of [1, 2, 3]) {
      await appendFile(ledger, `{"n":${n}}\n`);
      await first.pushLines(folder);
    }
    const Key = 'data/store/runs/run/ledger.jsonl.parts/000000000000008';
    await client.send(new DeleteObjectCommand({ Bucket: 'store-bucket', Key }));
    await expect(fetched('a')).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('lacks the bytes 8 to 16'),
    });
  });

  it('is brought there every five seconds', TIMEOUT, async () => {
    const { folder, clock, mirror } = await mirrored();
    const first = await mirror();
    expect(first.isDue).toBe(true);
    await first.pushLines(folder);
    expect(first.isDue).toBe(false);
    await clock.advance(5_000);
    expect(first.isDue).toBe(true);
  });
});
