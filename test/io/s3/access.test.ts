import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { serve } from '../../support/http-server.ts';
import { first, isGet, s3FaultProxy } from '../../support/s3-fault-proxy.ts';
import { listAll, never, s3Reader } from '../../support/s3-reader.ts';
import {
  ACCESS_KEY,
  missingVersityGw,
  SECRET_KEY,
  stubAws,
  type VersityGw,
  versityGw,
} from '../../support/versitygw.ts';

const missing = missingVersityGw();

async function bucketWithObject(): Promise<VersityGw> {
  const gw = await versityGw();
  await gw.makeBucket('mine');
  await gw.put('mine', 'a.txt', 'content');
  return gw;
}

async function allow(gw: VersityGw, ...actions: string[]): Promise<void> {
  const Statement = actions.map((Action) => ({
    Effect: 'Allow',
    Principal: '*',
    Action,
    Resource: Action === 's3:ListBucket' ? 'arn:aws:s3:::mine' : 'arn:aws:s3:::mine/*',
  }));
  await gw.client.send(
    new PutBucketPolicyCommand({
      Bucket: 'mine',
      Policy: JSON.stringify({ Version: '2012-10-17', Statement }),
    }),
  );
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-aws-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const read = async (reader: Awaited<ReturnType<typeof s3Reader>>) =>
  (await buffer(await reader.open({ bucket: 'mine', key: 'a.txt' }, never))).toString();

describe.skipIf(missing !== undefined)(`access to a bucket ${missing ?? ''}`, () => {
  it('is found at the endpoint of the environment, which the option comes before', async () => {
    const gw = await bucketWithObject();
    vi.stubEnv('AWS_ENDPOINT_URL_S3', gw.endpoint);
    expect(await read(await s3Reader({}))).toBe('content');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    expect(await read(await s3Reader({ endpoint: gw.endpoint }))).toBe('content');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined);
    vi.stubEnv('AWS_ENDPOINT_URL', gw.endpoint);
    expect(await read(await s3Reader({}))).toBe('content');
    await expect(s3Reader({ endpoint: 'localhost:9000' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('without a signature has what the public has', async () => {
    const gw = await bucketWithObject();
    const reader = await s3Reader({ endpoint: gw.endpoint, anonymous: true });
    expect(await reader.identity()).toBe('nobody (anonymous requests)');
    stubAws({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    await expect(listAll(reader, 'mine')).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_ACCESS_DENIED',
      message: expect.stringMatching(/^ListObjectsV2 of s3:\/\/mine was denied for nobody .*s3:ListBucket/),
    });
    await allow(gw, 's3:GetObject');
    expect(await read(reader)).toBe('content');
    await expect(listAll(reader, 'mine')).rejects.toMatchObject({ code: 'SOURCE_ACCESS_DENIED' });
    await allow(gw, 's3:ListBucket');
    expect(await listAll(reader, 'mine')).toHaveLength(1);
    await expect(read(reader)).rejects.toMatchObject({
      name: 'RejectedItemError',
      code: 'INPUT_PERMISSION_DENIED',
      message: expect.stringMatching(/s3:GetObject.*kms:Decrypt.*requester.*AWS_PROFILE/),
    });
  });

  it('needs credentials that the server knows', async () => {
    const gw = await bucketWithObject();
    stubAws({ AWS_ACCESS_KEY_ID: 'AKIAUNKNOWN99999WXYZ' });
    await expect(read(await s3Reader({ endpoint: gw.endpoint }))).rejects.toMatchObject({
      code: 'SOURCE_ACCESS_DENIED',
      message: expect.stringContaining('does not accept the credentials of the access key …WXYZ'),
    });
    stubAws({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    const reader = await s3Reader({ endpoint: gw.endpoint });
    for (const attempt of [() => read(reader), () => reader.identity(), () => listAll(reader, 'mine')])
      await expect(attempt()).rejects.toMatchObject({
        name: 'FatalError',
        code: 'SOURCE_ACCESS_DENIED',
        message: expect.stringContaining('there are no credentials'),
      });
  });

  it('goes on with the credentials that a profile has by now, when the old ones expired', async () => {
    const gw = await bucketWithObject();
    const proxy = await s3FaultProxy(gw.endpoint);
    const file = join(await temporaryFolder(), 'credentials');
    const profile = (key: string) =>
      `[default]\naws_access_key_id = ${key}\naws_secret_access_key = ${SECRET_KEY}\n`;
    await writeFile(file, profile('ASIAOLDOLDOLDOLD0000'));
    stubAws({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SHARED_CREDENTIALS_FILE: file,
    });
    proxy.faults.push(({ headers }) =>
      headers.authorization?.includes('ASIAOLD')
        ? { before: () => writeFile(file, profile(ACCESS_KEY)), error: { status: 400, code: 'ExpiredToken' } }
        : undefined,
    );
    const asked = await s3Reader({ endpoint: proxy.endpoint }, { attempts: 1 });
    expect(await asked.head({ bucket: 'mine', key: 'a.txt' })).toMatchObject({ size: 7 });
    await writeFile(file, profile('ASIAOLDOLDOLDOLD0000'));
    const reader = await s3Reader({ endpoint: proxy.endpoint }, { attempts: 1 });
    expect(await Promise.all([read(reader), read(reader), read(reader)])).toEqual([
      'content',
      'content',
      'content',
    ]);
    expect(await reader.identity()).toBe('the access key …3456');
    expect(await listAll(reader, 'mine')).toHaveLength(1);
    proxy.faults.push(() => ({ error: { status: 400, code: 'ExpiredToken' } }));
    const before = proxy.requests.length;
    await expect(read(reader)).rejects.toMatchObject({
      name: 'FatalError',
      message: expect.stringContaining('(the access key …3456) have expired'),
    });
    expect(proxy.requests.length - before).toBe(2);
  });

  it('goes on with new credentials of a program shortly before the old ones expire', async () => {
    const gw = await bucketWithObject();
    const folder = await temporaryFolder();
    const program = join(folder, 'credentials.mjs');
    await writeFile(
      program,
      `import { appendFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(join(folder, 'calls'))}, '.');
console.log(JSON.stringify({ Version: 1, AccessKeyId: '${ACCESS_KEY}', SecretAccessKey: '${SECRET_KEY}',
  Expiration: new Date(Date.now() + 120_000).toISOString() }));
`,
    );
    const file = join(folder, 'config');
    await writeFile(
      file,
      `[default]\nregion = us-east-1\ncredential_process = "${process.execPath}" "${program}"\n`,
    );
    stubAws({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_CONFIG_FILE: file });
    const reader = await s3Reader({ endpoint: gw.endpoint });
    for (let at = 0; at < 3; at++) expect(await read(reader)).toBe('content');
    // The new ones are asked for beside the requests that the old ones still serve.
    const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).length;
    await vi.waitFor(async () => expect(await calls()).toBeGreaterThan(1), { timeout: 60_000 });
    expect(await read(reader)).toBe('content');
  });

  it('has the credentials that the container gives', async () => {
    const s3 = await serve((_, response) =>
      response.end(
        '<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>',
      ),
    );
    const container = await serve((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          AccessKeyId: ACCESS_KEY,
          SecretAccessKey: SECRET_KEY,
          Token: 'a-session-token',
          Expiration: new Date(Date.now() + 3_600_000).toISOString(),
        }),
      );
    });
    stubAws({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.origin}/credentials`,
    });
    const reader = await s3Reader({ endpoint: s3.origin });
    expect(await reader.identity()).toBe('the temporary access key …3456');
    expect(await listAll(reader, 'mine')).toEqual([]);
    expect(container.requests).toHaveLength(1);
    expect(s3.requests.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['a-session-token']);
  });

  it('over a secure connection needs an authority that is trusted', async () => {
    const folder = await temporaryFolder();
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    await promisify(execFile)('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ]);
    const gw = await versityGw({ tls: { cert, key } });
    const reader = await s3Reader({ endpoint: gw.endpoint, caFile: cert });
    await expect(listAll(reader, 'mine')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('there is no bucket mine'),
    });
    const stranger = await s3Reader({ endpoint: gw.endpoint });
    await expect(listAll(stranger, 'mine')).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_ACCESS_DENIED',
      message: expect.stringMatching(/not trusted \(\w*SELF_SIGNED_CERT\w*\).*--ca-file/),
    });
    for (const caFile of [key, join(folder, 'nowhere.pem')])
      await expect(s3Reader({ endpoint: gw.endpoint, caFile })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`the CA file ${caFile} `),
      });
  });

  it('is tried in the region that the server names, once', async () => {
    const gw = await versityGw({ region: 'eu-north-1' });
    await gw.makeBucket('mine');
    await gw.put('mine', 'a.txt', 'content');
    const proxy = await s3FaultProxy(gw.endpoint);
    const reader = await s3Reader({ endpoint: proxy.endpoint, region: 'us-west-2' });
    proxy.faults.push(
      first(1, isGet, {
        error: { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-north-1' } },
      }),
    );
    expect(await read(reader)).toBe('content');
    expect(await read(reader)).toBe('content');
    expect(proxy.requests).toHaveLength(3);
    const malformed = await s3Reader({ endpoint: proxy.endpoint, region: 'us-west-2' });
    proxy.faults.push(
      first(1, isGet, {
        error: { status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-north-1</Region>' },
      }),
    );
    expect(await read(malformed)).toBe('content');
    const lost = await s3Reader({ endpoint: proxy.endpoint, region: 'us-west-2' });
    proxy.faults.push(first(9, isGet, { error: { status: 301, code: 'PermanentRedirect' } }));
    await expect(read(lost)).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_ACCESS_DENIED',
      message: expect.stringContaining('not in the region us-west-2'),
    });
  });

  it('is corrected for a clock that is wrong', async () => {
    const gw = await bucketWithObject();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(await read(await s3Reader({ endpoint: gw.endpoint }))).toBe('content');
    const reader = await s3Reader({ endpoint: gw.endpoint });
    expect(await reader.head({ bucket: 'mine', key: 'a.txt' })).toMatchObject({ size: 7 });
  });

  it('says by how much the clock is wrong where that cannot be corrected', async () => {
    const gw = await bucketWithObject();
    const proxy = await s3FaultProxy(gw.endpoint);
    const date = new Date(Date.now() - 1_800_000).toUTCString();
    proxy.faults.push(() => ({ error: { status: 403, code: 'RequestTimeTooSkewed', headers: { date } } }));
    const error = await read(await s3Reader({ endpoint: proxy.endpoint })).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ name: 'RetryableError', code: 'INPUT_READ_FAILED' });
    expect((error as Error).message).toMatch(
      /the clock of this machine is ahead of the server's by 1[78]\d\d s/,
    );
  });

  it('has the account pay where the requester is to', async () => {
    const gw = await bucketWithObject();
    const proxy = await s3FaultProxy(gw.endpoint);
    const reader = await s3Reader({ endpoint: proxy.endpoint, requesterPays: true });
    await listAll(reader, 'mine');
    await read(reader);
    await reader.head({ bucket: 'mine', key: 'a.txt' });
    expect(proxy.requests.map(({ headers }) => headers['x-amz-request-payer'])).toEqual(
      Array(3).fill('requester'),
    );
  });
});
