import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Installed by .ci/run. */
const PROGRAM = fileURLToPath(new URL('../../.cache/bin/versitygw', import.meta.url));

/** What the SDK of a child process needs to talk to the server. */
export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIABENCHSLUICE12345',
  AWS_SECRET_ACCESS_KEY: 'of-no-use-elsewhere',
  AWS_REGION: 'us-east-1',
};

/** Starts an S3 server over the folders in `folder`, which are its buckets. */
export async function startServer(folder: string): Promise<{ endpoint: string; child: ChildProcess }> {
  if (!existsSync(PROGRAM)) throw new Error('.cache/bin/versitygw is not there; .ci/run installs it');
  const port = await freePort();
  const child = spawn(PROGRAM, ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', 'posix', folder], {
    env: {
      ROOT_ACCESS_KEY: CREDENTIALS.AWS_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
    },
    stdio: 'ignore',
  });
  while (!(await answers(port))) await sleep(20);
  return { endpoint: `http://127.0.0.1:${port}`, child };
}

/** Passes bytes on to a server and counts those that come back. */
export async function countingProxy(
  target: string,
): Promise<{ endpoint: string; bytes(): number; server: Server }> {
  let bytes = 0;
  const { hostname, port } = new URL(target);
  const server = createServer((incoming) => {
    const upstream = connect(Number(port), hostname);
    upstream.on('data', (chunk) => {
      bytes += chunk.length;
    });
    incoming.pipe(upstream).pipe(incoming);
    incoming.on('error', () => upstream.destroy());
    upstream.on('error', () => incoming.destroy());
  });
  return { endpoint: `http://127.0.0.1:${await listen(server)}`, bytes: () => bytes, server };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
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
