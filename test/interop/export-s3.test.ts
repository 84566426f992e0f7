import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect, it, vi } from 'vitest';
import { Bucket } from '../../src/io/s3/bucket.ts';
import { sha256Of } from '../../src/io/sha256.ts';
import { exportDataset } from '../../src/pipeline/export/export.ts';
import { createVersion } from '../../src/stores/index.ts';
import { contentOf, storeWith } from '../pipeline/export/support.ts';
import { sluiceJson, start } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { describePython } from '../support/python.ts';
import { objectsIn, s3Server } from '../support/s3-server.ts';
import { tempFolder } from '../support/temp-folder.ts';

async function given(images = 3) {
  const client = await s3Server();
  await client.send(new CreateBucketCommand({ Bucket: 'sets' }));
  const { root, store } = await storeWith({ images });
  await createVersion(store, { dataset: 'pets', id: 'v1', wait: false }, testContext());
  return { client, root, store, request: { store, dataset: 'pets', version: 'v1' } };
}

const below = (prefix: string, content: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(content).map(([path, data]) => [`${prefix}${path}`, data]));

const { signal } = new AbortController();

describePython('s3', 'an export to S3', () => {
  it.each([
    ['folder', 'pets', 'a/pets', 'a/pets/', 'pets'],
    ['protobuf', 'pets.zip', 'a/pets.zip', 'a/', ''],
  ])('has the bytes of a local one: %s', async (format, name, key, prefix, under) => {
    const { client, root, store, request } = await given();
    const out = join(root, 'local', name);
    await exportDataset({ ...request, format, out });
    const report = await exportDataset({ ...request, format, out: `s3://sets/${key}` });
    expect(report).toMatchObject({ exitCode: 0, export: { out: `s3://sets/${key}` } });
    const local = await contentOf(join(root, 'local', under).replace(/\/$/, ''));
    expect(await objectsIn(client, 'sets')).toEqual(below(prefix, local));
    expect(await readdir(join(store, 'staging'))).toEqual([]);
    const again = exportDataset({ ...request, format, out: `s3://sets/${key}` });
    await expect(again).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('pets@v1'),
    });
  });

  it('goes on after a kill, and does not send again what is there', async () => {
    const { client, root, store, request } = await given(80);
    const out = join(root, 'pets');
    await exportDataset({ ...request, format: 'folder', out });
    await client.send(
      new PutBucketVersioningCommand({ Bucket: 'sets', VersioningConfiguration: { Status: 'Enabled' } }),
    );
    const args = ['export', 'pets@v1', '--store', store, '--format', 'folder', '--out', 's3://sets/pets'];
    const { child, done } = start(args);
    const listed = async () =>
      (await client.send(new ListObjectsV2Command({ Bucket: 'sets' }))).Contents ?? [];
    while ((await listed()).length < 10) await sleep(2);
    child.kill('SIGKILL');
    await done;
    const keys = (await listed()).map(({ Key }) => Key);
    expect(keys).toContain('pets/.sluice-upload.json');
    expect(keys).not.toContain('pets/.sluice-export.json');
    const gone = await sluiceJson(args);
    expect(gone).toMatchObject({ code: 0, json: { status: 'complete', totals: { ok: 80 } } });
    expect(gone.stderr).not.toContain('never-to-be-printed');
    expect(await objectsIn(client, 'sets')).toEqual(below('pets/', await contentOf(out)));
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: 'sets' }));
    const sent = Versions.map(({ Key }) => Key).filter((key) => key !== 'pets/.sluice-upload.json');
    expect(sent.length).toBe(new Set(sent).size);
    expect(await readdir(join(store, 'staging'))).toEqual([]);
  });

  it('replaces an earlier export with --overwrite, and nothing that no export wrote', async () => {
    const { client, root, request } = await given();
    const out = 's3://sets/pets';
    await exportDataset({ ...request, format: 'folder', out });
    const local = join(root, 'local');
    await exportDataset({ ...request, format: 'coco', out: local });
    const replaced = await exportDataset({ ...request, format: 'coco', out, overwrite: true });
    expect(replaced.exitCode).toBe(0);
    const there = await objectsIn(client, 'sets');
    expect(Object.keys(there).sort()).toEqual(Object.keys(below('pets/', await contentOf(local))).sort());
    await client.send(new PutObjectCommand({ Bucket: 'sets', Key: 'pets/mine.txt', Body: 'mine' }));
    await expect(exportDataset({ ...request, format: 'coco', out, overwrite: true })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('pets/mine.txt'),
    });
  });

  it('names what keeps it from beginning: bucket, option, server', async () => {
    const { request } = await given();
    await expect(
      exportDataset({ ...request, format: 'folder', out: 's3://nope/pets' }),
    ).rejects.toMatchObject({
      code: 'EXPORT_UPLOAD_FAILED',
      message: expect.stringContaining('there is no bucket nope'),
    });
    const update = { update: 's3://sets/pets' };
    await expect(
      exportDataset({ ...request, format: 'parquet', out: 's3://sets/pets', options: update }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('--update') });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9');
    const unreachable = exportDataset({ ...request, format: 'folder', out: 's3://sets/pets' });
    await expect(unreachable).rejects.toMatchObject({
      code: 'EXPORT_UPLOAD_FAILED',
      message: expect.stringMatching(/^ListObjects of s3:\/\/sets\/pets\/? failed: .*\(ECONNREFUSED\)/),
    });
  });

  it('says when the credentials are not accepted, without showing them', async () => {
    const { request } = await given();
    const enforce = `${process.env['AWS_ENDPOINT_URL_S3']}/moto-api/reset-auth`;
    await fetch(enforce, { method: 'POST', body: '0' });
    const denied = await exportDataset({ ...request, format: 'folder', out: 's3://sets/pets' }).catch(String);
    expect(denied).toMatch(
      /ListObjects of s3:\/\/sets\/pets\/? failed: .*credentials \(InvalidAccessKeyId\)/,
    );
    expect(denied).not.toContain('never-to-be-printed');
  });

  it('sends a large file in parts', async () => {
    const client = await s3Server();
    await client.send(new CreateBucketCommand({ Bucket: 'sets' }));
    const path = join(await tempFolder(), 'large');
    await writeFile(path, Buffer.alloc(20_000_000, 'sluice'));
    const bucket = await Bucket.open('sets');
    await bucket.upload(
      { key: 'large', path, bytes: 20_000_000, sha256: await sha256Of(path, signal) },
      signal,
    );
    bucket.close();
    const head = await client.send(new HeadObjectCommand({ Bucket: 'sets', Key: 'large' }));
    expect(head).toMatchObject({ ContentLength: 20_000_000, ETag: expect.stringMatching(/-3"$/) });
  });
});
