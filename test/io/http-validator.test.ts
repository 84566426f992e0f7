import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type OpenedUrl, openUrl, urlFetcher } from '../../src/io/fetch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { serve } from '../support/http-server.ts';

const LAST_WEEK = 'Tue, 10 Nov 2026 10:00:00 GMT';

const ask = (url: string, stored: string | undefined) =>
  openUrl(url, {
    signal: new AbortController().signal,
    clock: new FakeClock({ auto: true }),
    allowPrivateAddresses: true,
    stored,
  });

async function fingerprintOf(url: string): Promise<string | undefined> {
  const { stream, fingerprint } = (await ask(url, undefined)) as OpenedUrl;
  await buffer(stream);
  return fingerprint;
}

const notModified = (response: ServerResponse): void => void response.writeHead(304).end();

describe('a URL that was fetched before', () => {
  it.each([
    ['an ETag', { etag: '"v1"' }, 'if-none-match', '"v1"'],
    ['a weak ETag', { etag: 'W/"v1"' }, 'if-none-match', 'W/"v1"'],
    ['both', { etag: '"v 1"', 'last-modified': LAST_WEEK }, 'if-none-match', '"v 1"'],
    ['a date', { 'last-modified': LAST_WEEK }, 'if-modified-since', LAST_WEEK],
  ])('is asked for by %s, and not sent again when it is the same', async (_name, headers, name, value) => {
    const { origin, requests } = await serve((request, response) => {
      if (request.headers[name as 'if-none-match'] === value) return notModified(response);
      response.writeHead(200, { date: 'Sat, 21 Nov 2026 10:00:00 GMT', ...headers });
      response.end('content');
    });
    const fingerprint = await fingerprintOf(`${origin}/a`);
    expect(fingerprint).toBeDefined();
    expect(await ask(`${origin}/a`, fingerprint)).toBe('unchanged');
    expect(requests).toHaveLength(2);
    expect(requests[0]!.headers).not.toHaveProperty(name);
  });

  it('comes with another fingerprint when it changed', async () => {
    let version = 1;
    const { origin } = await serve((request, response) => {
      const etag = `"v${version}"`;
      if (request.headers['if-none-match'] === etag) return notModified(response);
      response.writeHead(200, { etag }).end(`content ${version}`);
    });
    const before = await fingerprintOf(origin);
    version = 2;
    const changed = (await ask(origin, before)) as OpenedUrl;
    expect(`${await buffer(changed.stream)}`).toBe('content 2');
    expect(changed.fingerprint).not.toBe(before);
    expect(await ask(origin, changed.fingerprint)).toBe('unchanged');
  });

  it.each([
    ['nothing', {}],
    ['a date of this very second', { date: LAST_WEEK, 'last-modified': LAST_WEEK }],
    ['no date', { date: 'soon', 'last-modified': 'last week' }],
  ])('has no fingerprint when the server says %s of it', async (_name, headers) => {
    const { origin } = await serve((_request, response) => void response.writeHead(200, headers).end('x'));
    expect(await fingerprintOf(origin)).toBeUndefined();
  });

  it('is not taken for another one with the same ETag', async () => {
    const { origin, requests } = await serve((request, response) => {
      if (request.headers['if-none-match'] === '"v1"') return notModified(response);
      response.writeHead(200, { etag: '"v1"' }).end(request.url);
    });
    const ofA = await fingerprintOf(`${origin}/a`);
    const b = (await ask(`${origin}/b`, ofA)) as OpenedUrl;
    expect(`${await buffer(b.stream)}`).toBe('/b');
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"v1"', undefined]);
  });

  it('is asked for again when it is redirected to another place than then', async () => {
    let target = '/first?signature=1';
    const { origin } = await serve((request, response) => {
      if (request.url === '/latest') return void response.writeHead(302, { location: target }).end();
      if (request.headers['if-none-match'] === '"v1"') return notModified(response);
      response.writeHead(200, { etag: '"v1"' }).end(request.url);
    });
    const fingerprint = await fingerprintOf(`${origin}/latest`);
    target = '/first?signature=2';
    expect(await ask(`${origin}/latest`, fingerprint)).toBe('unchanged');
    target = '/second';
    const moved = (await ask(`${origin}/latest`, fingerprint)) as OpenedUrl;
    expect(`${await buffer(moved.stream)}`).toBe('/second');
  });

  it('is simply fetched when the fingerprint is none of a URL', async () => {
    const { origin, requests } = await serve((_request, response) => void response.end('content'));
    const opened = (await ask(origin, '120-1763725000000000000')) as OpenedUrl;
    expect(`${await buffer(opened.stream)}`).toBe('content');
    expect(requests[0]!.headers).not.toHaveProperty('if-none-match');
  });

  it('fails when it answers "not modified" to who did not ask', async () => {
    const { origin } = await serve((_request, response) => notModified(response));
    await expect(ask(origin, undefined)).rejects.toMatchObject({ code: 'URL_FETCH_FAILED' });
  });

  it('goes on from where it broke off, whatever was stored', async () => {
    const content = Buffer.alloc(300_000, 'x');
    const { origin, requests } = await serve((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = from > 0 ? { 'content-range': `bytes ${from}-299999/300000` } : {};
      response.writeHead(from > 0 ? 206 : 200, { etag: '"v2"', 'content-length': 300_000 - from, ...range });
      if (from > 0) return void response.end(content.subarray(from));
      response.write(content.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
    });
    const opened = (await ask(origin, 'etag:"v1" 0123456789abcdef')) as OpenedUrl;
    expect((await buffer(opened.stream)).equals(content)).toBe(true);
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual(['"v1"', undefined]);
  });
});

describe('the URLs of a run', () => {
  it('are fetched a few at once from one host; a place is free when the content has come', async () => {
    const open: ServerResponse[] = [];
    let most = 0;
    const { origin, requests } = await serve((_request, response) => {
      open.push(response);
      most = Math.max(most, open.length);
      response.write('beginning');
    });
    const clock = new FakeClock({ auto: true });
    const fetchUrl = urlFetcher({ allowPrivateAddresses: true, perHost: 3 }, clock);
    const { signal } = new AbortController();
    const reading = Array.from({ length: 10 }, async (_, i) => {
      const { stream } = (await fetchUrl(`${origin}/${i}`, signal)) as OpenedUrl;
      return buffer(stream);
    });
    while (requests.length < 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      open.shift()?.end();
    }
    for (const response of open) response.end();
    expect(await Promise.all(reading)).toHaveLength(10);
    expect(most).toBe(3);
  });

  it('give their place back when they fail, and when nobody reads them', async () => {
    const { origin } = await serve((request, response) => {
      if (request.url === '/gone') return void response.writeHead(404).end('not here');
      if (request.url === '/moved') return void response.writeHead(302, { location: '/ok' }).end();
      response.writeHead(200, { etag: '"v1"' }).end('content'.repeat(100_000));
    });
    const fetchUrl = urlFetcher({ allowPrivateAddresses: true, perHost: 1 }, new FakeClock({ auto: true }));
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) {
      await expect(fetchUrl(`${origin}/gone`, signal)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
      const { stream } = (await fetchUrl(`${origin}/moved`, signal)) as OpenedUrl;
      stream.destroy();
    }
  });
});
