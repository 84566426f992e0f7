import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { accounted, codesOf } from '../support/accounts.ts';
import { inputsOf, sluiceJson } from '../support/cli.ts';
import { serve } from '../support/http-server.ts';
import { tempFolder } from '../support/temp-folder.ts';

type Answer = (response: ServerResponse, times: number) => void;

/** Text that never ends. */
const endless: Answer = (response) => {
  const more = () => {
    while (response.write('x'.repeat(1_000_000)));
  };
  response.on('drain', more);
  more();
};

test('every way in which a URL can go wrong is an outcome of its own, and the others land', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
  const answers: Record<string, { answer: Answer; code: string }> = {
    good: { answer: (r) => r.end('good'), code: 'INPUT_SUCCESS' },
    moved: { answer: (r) => r.writeHead(302, { location: '/photo.png' }).end(), code: 'INPUT_SUCCESS' },
    'photo.png': { answer: (r) => r.end(png), code: 'INPUT_SUCCESS' },
    loop: { answer: (r) => r.writeHead(301, { location: '/loop' }).end(), code: 'URL_FETCH_FAILED' },
    missing: { answer: (r) => r.writeHead(404).end(), code: 'INPUT_NOT_FOUND' },
    forbidden: { answer: (r) => r.writeHead(403).end(), code: 'INPUT_PERMISSION_DENIED' },
    busy: {
      answer: (r, times) => (times < 3 ? r.writeHead(429, { 'retry-after': '1' }).end() : r.end('at last')),
      code: 'INPUT_SUCCESS',
    },
    shaky: {
      answer: (r, times) => (times < 2 ? void r.writeHead(503).end() : void r.end('steady')),
      code: 'INPUT_SUCCESS',
    },
    endless: { answer: endless, code: 'INPUT_OVER_LIMIT' },
    short: {
      answer: (r) => {
        r.writeHead(200, { 'content-length': 10 }).write('five!');
        r.socket!.destroySoon();
      },
      code: 'URL_FETCH_FAILED',
    },
    file: {
      answer: (r) => r.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      code: 'INPUT_INVALID_URL',
    },
    'list.mp4': { answer: (r) => r.end('#EXTM3U\n'), code: 'INPUT_UNSUPPORTED_FORMAT' },
    'page.pdf': { answer: (r) => r.end('%PDF-1.7\n%\xe2\xe3'), code: 'INPUT_UNSUPPORTED_FORMAT' },
  };
  const times: Record<string, number> = {};
  const server = await serve((request, response) => {
    const name = request.url!.slice(1);
    times[name] = (times[name] ?? 0) + 1;
    answers[name]!.answer(response, times[name]);
  });
  const csv = join(dir, 'urls.csv');
  const names = Object.keys(answers);
  await writeFile(
    csv,
    `inputid,input\n${names.map((name) => `${name},${server.origin}/${name}\n`).join('')}`,
  );

  const ran = await sluiceJson(['ingest', csv, '--allow-private-addresses', '--store', store]);
  const codes = Object.fromEntries(
    [...accounted(store, ran.json).values()].map(({ inputId, code }) => [inputId, code]),
  );
  expect(codes).toEqual(Object.fromEntries(names.map((name) => [name, answers[name]!.code])));
  expect(ran.code).toBe(2);
  expect(times['busy']).toBe(3);
  expect(times['missing']).toBe(1);
  const moved = (await inputsOf(store)).find(({ id }) => id === 'moved')!;
  expect(moved).toMatchObject({ kind: 'image', sha256: createHash('sha256').update(png).digest('hex') });

  answers['missing']!.answer = (r) => r.end('found');
  const again = await sluiceJson(['retry', ran.json.failures!, '--code', 'INPUT_NOT_FOUND']);
  expect(again.json).toMatchObject({ exitCode: 0, totals: { listed: 1, ok: 1 } });
});

test('private addresses are refused before anything is sent, unless they are allowed', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const server = await serve((_request, response) => void response.end('inside'));
  const csv = join(dir, 'urls.csv');
  const hosts = [`127.0.0.1:${server.port}`, `localhost:${server.port}`, `[::ffff:127.0.0.1]:${server.port}`];
  const more = ['169.254.169.254', '10.0.0.1', '2130706433'].map(
    (host) => `http://${host}/latest/meta-data/`,
  );
  await writeFile(
    csv,
    `input\n${[...hosts.map((host) => `http://${host}/`), ...more, 'ftp://example.org/a'].join('\n')}\n`,
  );
  const ran = await sluiceJson(['ingest', csv, '--csv-type', 'url', '--store', store]);
  expect(new Set(Object.values(codesOf(store, ran.json)))).toEqual(new Set(['INPUT_INVALID_URL']));
  expect(ran.json.totals).toMatchObject({ listed: 7, rejected: 7 });
  expect(server.requests).toEqual([]);
});

test('secrets of URLs are in no file and on no stream', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const server = await serve((_request, response) => void response.writeHead(404).end());
  const csv = join(dir, 'urls.csv');
  const url = `http://user:hunter2@127.0.0.1:${server.port}/a.jpg?X-Amz-Signature=s3cr3t&token=t0k3n`;
  await writeFile(csv, `input\n${url}\n`);
  const ran = await sluiceJson(['ingest', csv, '--allow-private-addresses', '--store', store]);
  expect(ran.json.byCode).toEqual({ INPUT_NOT_FOUND: 1 });
  const written = execFileSync('cat', ['ledger.jsonl', 'failures.jsonl', 'run.json', 'report.json'], {
    cwd: join(store, 'runs', ran.json.runId),
    encoding: 'utf8',
  });
  for (const secret of ['hunter2', 's3cr3t', 't0k3n'])
    expect(written + ran.stdout + ran.stderr).not.toContain(secret);
});

test('a second run asks whether URLs changed, and reads only those that did', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const contents: Record<string, string> = { '/etag': 'one', '/date': 'two', '/none': 'three' };
  const versions: Record<string, number> = {};
  let bodies = 0;
  const server = await serve((request, response) => {
    const name = request.url!;
    const etag = `"${versions[name] ?? 1}"`;
    const modified = 'Tue, 10 Nov 2026 10:00:00 GMT';
    const { 'if-none-match': match, 'if-modified-since': since } = request.headers;
    if (name === '/etag' && match === etag) return void response.writeHead(304).end();
    if (name === '/date' && since === modified) return void response.writeHead(304).end();
    bodies++;
    const headers = { '/etag': { etag }, '/date': { 'last-modified': modified } }[name] ?? {};
    response.writeHead(200, { date: 'Sat, 21 Nov 2026 10:00:00 GMT', ...headers }).end(contents[name]);
  });
  const list = join(dir, 'urls.txt');
  await writeFile(
    list,
    `# three\n${Object.keys(contents)
      .map((name) => `${server.origin}${name}\n`)
      .join('')}`,
  );
  const ingest = (...more: string[]) =>
    sluiceJson(['ingest', list, '--allow-private-addresses', '--store', store, ...more]);

  const first = await ingest();
  expect(first.json).toMatchObject({ exitCode: 0, totals: { listed: 3, ok: 3 }, bytes: { read: 11 } });
  expect(bodies).toBe(3);

  // A line above moves the others; they stay the same inputs.
  await writeFile(list, `# a new line\n${await readFile(list, 'utf8')}`);
  const second = await ingest();
  expect(second.json.byCode).toEqual({ INPUT_UNCHANGED: 3 });
  expect(second.json.bytes.read).toBe(5);
  expect(bodies).toBe(4);
  expect((await ingest('--verify')).json.bytes.read).toBe(11);

  contents['/etag'] = 'changed';
  versions['/etag'] = 2;
  const refused = await ingest();
  expect(refused.json.byCode).toEqual({ INPUT_DUPLICATE: 1, INPUT_UNCHANGED: 2 });
  expect((await ingest('--on-duplicate', 'replace')).json.byCode).toEqual({
    INPUT_UPDATED: 1,
    INPUT_UNCHANGED: 2,
  });
  bodies = 0;
  expect((await ingest()).json.byCode).toEqual({ INPUT_UNCHANGED: 3 });
  expect(bodies).toBe(1);
  expect((await inputsOf(store)).map(({ text }) => text).sort()).toEqual(['changed', 'three', 'two']);
});

test('dead hosts among others neither stop nor stall a run; each of their URLs says so', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const server = await serve((request, response) => void response.end(`text of ${request.url}`));
  const dead = createServer().listen(0, '127.0.0.1');
  await once(dead, 'listening');
  const { port } = dead.address() as AddressInfo;
  await new Promise((resolve) => dead.close(resolve));
  const list = join(dir, 'urls.txt');
  const urls = Array.from({ length: 100 }, (_, i) =>
    i % 10 === 0 ? `http://127.0.0.1:${port}/${i}` : `${server.origin}/${i}`,
  );
  await writeFile(list, `${urls.join('\n')}\n`);
  const flags = ['--allow-private-addresses', '--url-attempts', '2', '--store', store];
  const ran = await sluiceJson(['ingest', list, ...flags]);
  expect(ran.json).toMatchObject({
    exitCode: 2,
    status: 'complete',
    totals: { listed: 100, ok: 90, failed: 10 },
    byCode: { INPUT_SUCCESS: 90, URL_FETCH_FAILED: 10 },
  });
  const failed = [...accounted(store, ran.json).values()].filter(({ outcome }) => outcome === 'failed');
  for (const { message, retryable } of failed) {
    expect(message).toMatch(/ECONNREFUSED.*\(after 2 attempts\)$/);
    expect(retryable).toBe(true);
  }
});
