import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateBucketCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { onTestFinished, vi } from 'vitest';

/** A real S3 server over a folder, built by .ci/s3-server. */
const PROGRAM = fileURLToPath(new URL('../../.cache/bin/versitygw', import.meta.url));
export const ACCESS_KEY = 'AKIATESTSLUICE123456';
export const SECRET_KEY = 'never-to-be-printed-secret';
const PORTS_TRIED = 10;

/** Why the server cannot be used and how to get it; undefined when it is there, and in CI, where its tests must run. */
export function missingVersityGw(): string | undefined {
  if (existsSync(PROGRAM) || process.env['CI'] === 'true') return undefined;
  return 'needs the S3 server that .ci/s3-server builds';
}

export interface VersityGw {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  /** Where the buckets are folders. */
  folder: string;
  client: S3Client;
  makeBucket(name: string): Promise<void>;
  put(
    bucket: string,
    key: string,
    body: string | Uint8Array,
    more?: Partial<PutObjectCommandInput>,
  ): Promise<void>;
}

export interface VersityGwOptions {
  region?: string;
  /** Certificate and key in PEM files; the server then speaks https. */
  tls?: { cert: string; key: string };
}

/** Credentials and region for the SDK of this process and of its children. */
export function stubAws(env: Record<string, string | undefined> = {}): void {
  const stubs = {
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent/config',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
    ...env,
  };
  for (const [name, value] of Object.entries(stubs)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** A server of its own for the test, which ends with it. Its address is not in the environment. */
export async function versityGw(options: VersityGwOptions = {}): Promise<VersityGw> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-s3-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'buckets');
  await mkdir(folder);
  const port = await start(folder, options);
  const endpoint = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  stubAws();
  const client = new S3Client({
    endpoint,
    region: options.region ?? 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  });
  onTestFinished(() => client.destroy());
  return {
    endpoint,
    folder,
    client,
    async makeBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    },
    async put(bucket, key, body, more = {}) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body), ...more }));
    },
  };
}

async function start(folder: string, { region, tls }: VersityGwOptions): Promise<number> {
  let said = '';
  for (let attempt = 0; attempt < PORTS_TRIED; attempt++) {
    const port = await freePort();
    const secure = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key];
    const args = ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', ...secure, 'posix', folder];
    const child = spawn(PROGRAM, args, {
      env: {
        ROOT_ACCESS_KEY: ACCESS_KEY,
        ROOT_SECRET_KEY: SECRET_KEY,
        VGW_REGION: region ?? 'us-east-1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let ended = false;
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    child.on('error', (error) => {
      said += error.message;
      ended = true;
    });
    child.on('exit', () => {
      ended = true;
    });
    // Another process may have taken the port meanwhile: then ours ends, and the next port is tried.
    while (!ended) {
      if (await answers(port)) break;
      await sleep(20);
    }
    await sleep(20);
    if (!ended) return port;
  }
  throw new Error(`versitygw did not start: ${said}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });
}
