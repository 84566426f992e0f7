import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type OpenUrlOptions, openUrl } from '../../src/io/fetch.ts';
import { RejectedItemError, RetryableError, ThrottledError } from '../../src/model/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { serve } from '../support/http-server.ts';

const DATA = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 251));

/** Opens a URL of a test server: waits between attempts take no time. */
function open(url: string, options: Partial<OpenUrlOptions> = {}) {
  const clock = new FakeClock({ auto: true });
  const { signal } = new AbortController();
  return openUrl(url, { signal, clock, allowPrivateAddresses: true, stallTimeoutMs: 200, ...options });
}

async function read(url: string, options: Partial<OpenUrlOptions> = {}): Promise<Buffer> {
  return buffer((await open(url, options)).stream);
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error) => error,
  );

/** Serves DATA with ranges; breaks the connection after `breakAfter` bytes of each answer but the last. */
function breaking(
  breaks: number,
  { validator = { etag: '"v1"' } as object, afterBytes = 100_000, stall = false } = {},
) {
  let left = breaks;
  return (request: IncomingMessage, response: ServerResponse) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = DATA.subarray(start);
    const range = start > 0 ? { 'content-range': `bytes ${start}-${DATA.length - 1}/${DATA.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': rest.length, ...range, ...validator });
    if (left-- <= 0) return response.end(rest);
    // The headers must be on their way even when no byte follows.
    response.flushHeaders();
    response.write(rest.subarray(0, afterBytes), () => {
      if (!stall) setTimeout(() => response.destroy(), 20);
    });
  };
}

describe('openUrl', () => {
  it('gives the content and what the server says about it', async () => {
    const { origin, requests } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg', etag: '"v1"', 'content-length': DATA.length });
      response.end(DATA);
    });
    const { stream, ...about } = await open(`${origin}/a.jpg?w=1`);
    expect(about).toEqual({
      size: DATA.length,
      fingerprint: expect.stringMatching(/^etag:"v1" \w{16}$/),
      contentType: 'image/jpeg',
      finalUrl: `${origin}/a.jpg?w=1`,
    });
    expect((await buffer(stream)).equals(DATA)).toBe(true);
    expect(requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'sluice' });
  });

  it('reads content of unknown length, and none', async () => {
    const { origin } = await serve((request, response) => {
      if (request.url === '/chunked')
        for (let at = 0; at < DATA.length; at += 9_999) response.write(DATA.subarray(at, at + 9_999));
      response.end();
    });
    const chunked = await open(`${origin}/chunked`);
    expect(chunked.size).toBeUndefined();
    expect((await buffer(chunked.stream)).equals(DATA)).toBe(true);
    expect(await read(`${origin}/empty`)).toHaveLength(0);
  });

  it.each([
    [404, RejectedItemError, 'INPUT_NOT_FOUND'],
    [410, RejectedItemError, 'INPUT_NOT_FOUND'],
    [401, RejectedItemError, 'INPUT_PERMISSION_DENIED'],
    [403, RejectedItemError, 'INPUT_PERMISSION_DENIED'],
    [400, RejectedItemError, 'URL_FETCH_FAILED'],
    [204, RejectedItemError, 'URL_FETCH_FAILED'],
    [206, RejectedItemError, 'URL_FETCH_FAILED'],
    [304, RejectedItemError, 'URL_FETCH_FAILED'],
    [429, RetryableError, 'URL_FETCH_FAILED'],
    [500, RetryableError, 'URL_FETCH_FAILED'],
    [503, RetryableError, 'URL_FETCH_FAILED'],
  ])('answers status %d with %o %s', async (status, type, code) => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(status).end('sorry'));
    const error = await failure(open(`${origin}/a.jpg`, { attempts: 3 }));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(`${origin}/a.jpg answered with status ${status}`),
    });
    expect(requests).toHaveLength(type === RetryableError ? 3 : 1);
  });

  it('tries again after a status that may pass', async () => {
    const statuses = [500, 502, 200];
    const { origin } = await serve((_request, response) =>
      response.writeHead(statuses.shift() ?? 500).end('content'),
    );
    expect(String(await read(origin))).toBe('content');
  });

  it.each([
    ['seconds', () => '7'],
    ['a date', (now: number) => new Date(now + 7_000).toUTCString()],
  ])('waits as long as Retry-After says in %s, at no attempt', async (_form, header) => {
    const clock = new FakeClock({ auto: true, now: 1_700_000_000_000 });
    let busy = 5;
    const { origin } = await serve((_request, response) => {
      if (busy-- > 0) response.writeHead(busy % 2 ? 429 : 503, { 'retry-after': header(clock.now()) }).end();
      else response.end('content');
    });
    expect(String(await read(origin, { clock, attempts: 1 }))).toBe('content');
    expect(clock.sleeps).toHaveLength(5);
    for (const sleep of clock.sleeps) expect(sleep).toBeGreaterThanOrEqual(6_000);
  });

  it('loses patience with a server that is always busy', async () => {
    const { origin } = await serve((_request, response) =>
      response.writeHead(429, { 'retry-after': '86400' }).end(),
    );
    expect(await failure(open(origin))).toBeInstanceOf(ThrottledError);
  });

  it('says why there was no connection', async () => {
    const error = await failure(open('http://127.0.0.1:1/a.jpg', { attempts: 2 }));
    expect(error).toMatchObject({ name: 'RetryableError', code: 'URL_FETCH_FAILED' });
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:1\/a\.jpg: .*ECONNREFUSED.*\(after 2 attempts\)$/);
  });

  it('does not wait for ever for an answer', async () => {
    const { origin } = await serve(() => {});
    const error = await failure(open(origin, { attempts: 1, headersTimeoutMs: 100 }));
    expect(error).toMatchObject({
      code: 'URL_FETCH_FAILED',
      message: expect.stringContaining('no answer within 0.1 s'),
    });
  });
});

describe('openUrl and limits', () => {
  it('refuses what is announced to be too large without reading it', async () => {
    const { origin } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': DATA.length }).write(DATA.subarray(0, 10));
    });
    const error = await failure(open(origin, { maxBytes: DATA.length - 1 }));
    expect(error).toBeInstanceOf(RejectedItemError);
    expect(error).toMatchObject({ code: 'INPUT_OVER_LIMIT', measured: DATA.length, limit: DATA.length - 1 });
  });

  it('stops reading what turns out to be too large', async () => {
    const { origin } = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(DATA));
      };
      response.on('drain', more);
      more();
    });
    const error = await failure(read(origin, { maxBytes: 1_000_000 }));
    expect(error).toMatchObject({ name: 'RejectedItemError', code: 'INPUT_OVER_LIMIT', limit: 1_000_000 });
    expect(error.measured).toBeGreaterThan(1_000_000);
  });

  it('takes content of exactly the limit', async () => {
    const { origin } = await serve((_request, response) => void response.end(DATA));
    expect(await read(origin, { maxBytes: DATA.length })).toHaveLength(DATA.length);
  });
});

describe('openUrl and redirects', () => {
  it.each([301, 302, 303, 307, 308])('follows status %d, relative targets too', async (status) => {
    const { origin, requests } = await serve((request, response) => {
      if (request.url === '/a/start') response.writeHead(status, { location: '../b/end' }).end('moved');
      else response.end('content');
    });
    const { stream, finalUrl } = await open(`${origin}/a/start`);
    expect(String(await buffer(stream))).toBe('content');
    expect(finalUrl).toBe(`${origin}/b/end`);
    expect(requests.map(({ url }) => url)).toEqual(['/a/start', '/b/end']);
  });

  it('gives up on a loop', async () => {
    const { origin, requests } = await serve((_request, response) =>
      response.writeHead(302, { location: '/' }).end(),
    );
    const error = await failure(open(origin, { maxRedirects: 3 }));
    expect(error).toMatchObject({ name: 'RejectedItemError', code: 'URL_FETCH_FAILED' });
    expect(error.message).toContain('more than 3 redirects');
    expect(requests).toHaveLength(4);
  });

  it.each(['file:///etc/passwd', 'ftp://example.org/a', 'data:text/plain,hi', 'http://', 'http://a b/'])(
    'does not follow to %s',
    async (location) => {
      const { origin } = await serve((_request, response) => response.writeHead(302, { location }).end());
      expect(await failure(open(origin))).toMatchObject({
        name: 'RejectedItemError',
        code: 'INPUT_INVALID_URL',
        message: expect.stringContaining('hop 1'),
      });
    },
  );
});

describe('openUrl and addresses', () => {
  it.each([
    'file:///etc/passwd',
    'ftp://example.org/a.jpg',
    'javascript:alert(1)',
    'a.jpg',
    '//example.org/a.jpg',
    'http://',
    'http://exa mple.org/',
    'http://[::1/',
    '',
  ])('refuses what is no http URL: %s', async (url) => {
    expect(await failure(open(url))).toMatchObject({ name: 'RejectedItemError', code: 'INPUT_INVALID_URL' });
  });

  it('refuses this machine in every notation, before anything is sent', async () => {
    const { port, requests } = await serve((_request, response) => void response.end('secret'));
    const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '0', '0.0.0.0'];
    const others = [
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      'localhost',
      'LOCALHOST',
      '127。0。0。1',
    ];
    for (const host of [...hosts, ...others]) {
      const error = await failure(open(`http://${host}:${port}/a`, { allowPrivateAddresses: false }));
      expect(error).toMatchObject({ name: 'RejectedItemError', code: 'INPUT_INVALID_URL' });
      expect(error.message).toMatch(/loopback|unspecified|unicast/);
    }
    expect(requests).toEqual([]);
  });

  it.each([
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
  ])('refuses the private address of %s', async (url) => {
    expect(await failure(open(url, { allowPrivateAddresses: false }))).toMatchObject({
      code: 'INPUT_INVALID_URL',
    });
  });

  it('refuses a redirect to a private address, naming the address and the hop', async () => {
    const { origin, port, requests } = await serve((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.2:${port}/secret` }).end(),
    );
    const error = await failure(
      open(`${origin}/start`, { allowAddress: (address) => address === '127.0.0.1' }),
    );
    expect(error).toBeInstanceOf(RejectedItemError);
    expect(error.code).toBe('INPUT_INVALID_URL');
    expect(error.message).toContain(`${origin}/start, redirected to http://127.0.0.2:${port}/secret (hop 1)`);
    expect(error.message).toContain('127.0.0.2 is not a public host (loopback)');
    expect(requests.map(({ url }) => url)).toEqual(['/start']);
  });

  it('connects to an address that the rule has seen and allowed, and to no other of the name', async () => {
    const { port } = await serve((request, response) => void response.end(request.socket.localAddress));
    const seen: string[] = [];
    const allowAddress = (address: string) => {
      seen.push(address);
      return address === '127.0.0.1';
    };
    expect(String(await read(`http://localhost:${port}/`, { allowAddress }))).toBe('127.0.0.1');
    expect(seen).toContain('127.0.0.1');
  });

  it('does not lend a connection that one rule allowed to another rule', async () => {
    const { origin, port } = await serve((_request, response) => void response.end('content'));
    await read(origin);
    await read(`http://localhost:${port}/`);
    for (const url of [origin, `http://localhost:${port}/`]) {
      expect(await failure(open(url, { allowPrivateAddresses: false }))).toMatchObject({
        code: 'INPUT_INVALID_URL',
      });
    }
  });
});

describe('openUrl and credentials', () => {
  it('sends them to the host that they are for, and not on to the next', async () => {
    const other = await serve((_request, response) => void response.end('content'));
    const { port, requests } = await serve((_request, response) =>
      response.writeHead(302, { location: `${other.origin}/next` }).end(),
    );
    const { stream, finalUrl } = await open(`http://us%40er:p%20w@127.0.0.1:${port}/a`);
    await buffer(stream);
    expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('us@er:p w').toString('base64')}`);
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
    expect(finalUrl).toBe(`${other.origin}/next`);
  });

  it('never shows them, in no error and nowhere inside it', async () => {
    const { origin, port } = await serve((request, response) => {
      if (request.url?.startsWith('/redirect')) {
        response.writeHead(302, { location: `http://u:s3cret@127.0.0.2:${port}/?sig=s3cret` }).end();
      } else if (request.url?.startsWith('/broken')) {
        response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy());
      } else response.writeHead(request.url?.startsWith('/busy') ? 500 : 404).end();
    });
    const allowAddress = (address: string) => address === '127.0.0.1';
    const secretly = (path: string) =>
      `http://u:s3cret@127.0.0.1:${port}/${path}?X-Amz-Signature=s3cret#s3cret`;
    const urls = [
      ...['missing', 'busy', 'broken', 'redirect'].map(secretly),
      'http://u:s3cret@exa mple/',
      'http://u:s3cret@127.0.0.1:1/',
      'ftp://u:s3cret@example.org/',
      'http://u:s3cret@10.0.0.1/?token=s3cret',
    ];
    for (const url of urls) {
      const error = await failure(read(url, { allowAddress, attempts: 2 }));
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('s3cret');
      expect(error.message.length).toBeGreaterThan(20);
    }
    const good = await open(`${origin}/?access_token=s3cret`).catch((error) => error);
    expect(inspect(good.message)).not.toContain('s3cret');
  });
});

describe('openUrl and broken transfers', () => {
  it.each([
    ['a strong ETag', { etag: '"v1"' }, '"v1"'],
    [
      'a date',
      { etag: 'W/"weak"', 'last-modified': 'Tue, 15 Nov 1994 12:45:26 GMT' },
      'Tue, 15 Nov 1994 12:45:26 GMT',
    ],
  ])('asks for the rest when the connection breaks, proved by %s', async (_name, validator, ifRange) => {
    const { origin, requests } = await serve(breaking(2, { validator }));
    expect((await read(origin)).equals(DATA)).toBe(true);
    expect(requests).toHaveLength(3);
    const starts = requests.map(({ headers }) => Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0));
    expect(starts[0]).toBe(0);
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1]!);
    expect(requests[1]?.headers['if-range']).toBe(ifRange);
  });

  it('goes on after a stall', async () => {
    const { origin, requests } = await serve(breaking(1, { stall: true }));
    expect((await read(origin, { stallTimeoutMs: 100 })).equals(DATA)).toBe(true);
    expect(requests).toHaveLength(2);
  });

  it('says that the server stalled when it does so for ever', async () => {
    const { origin } = await serve(breaking(99, { stall: true, afterBytes: 1 }));
    const error = await failure(read(origin, { stallTimeoutMs: 50, attempts: 2 }));
    expect(error).toMatchObject({ name: 'RetryableError', code: 'URL_FETCH_FAILED' });
    expect(error.message).toMatch(/stalled: no byte within 0.05 s \(after 2 attempts\)/);
  });

  it('does not take a slow reader for a stall', async () => {
    const { origin, requests } = await serve((_request, response) => void response.end(DATA));
    const { stream } = await open(origin, { stallTimeoutMs: 50 });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await buffer(stream)).equals(DATA)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  it('never takes a short body for the whole', async () => {
    const { origin } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': DATA.length, etag: '"v1"', connection: 'close' });
      response.flushHeaders();
      response.socket?.end(DATA.subarray(0, 1000));
    });
    const error = await failure(read(origin, { attempts: 2 }));
    expect(error.code).toBe('URL_FETCH_FAILED');
  });

  it('begins again when nothing was handed on yet', async () => {
    const { origin, requests } = await serve(breaking(2, { validator: {}, afterBytes: 0 }));
    expect((await read(origin)).equals(DATA)).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined, undefined]);
  });

  it('does not glue together what may be two versions: no proof', async () => {
    const { origin, requests } = await serve(breaking(1, { validator: {} }));
    const error = await failure(read(origin));
    expect(error).toMatchObject({ name: 'RejectedItemError', code: 'URL_FETCH_FAILED' });
    expect(error.message).toMatch(
      /broke off after \d+ bytes and cannot be resumed: .*neither ETag nor Last-Modified/,
    );
    expect(requests).toHaveLength(1);
  });

  it('does not glue together two versions: the server sends the new one', async () => {
    let first = true;
    const { origin } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': DATA.length, etag: first ? '"v1"' : '"v2"' });
      if (first) response.write(DATA.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
      else response.end(DATA);
      first = false;
    });
    const error = await failure(read(origin));
    expect(error).toMatchObject({ name: 'RejectedItemError', code: 'URL_FETCH_FAILED' });
    expect(error.message).toContain('cannot be resumed');
  });

  it('asks on when an answer holds less than the rest', async () => {
    const { origin, requests } = await serve((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const about = { etag: '"v1"', 'content-length': DATA.length - start };
      if (start === 0) {
        response
          .writeHead(200, about)
          .write(DATA.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
        return;
      }
      const part = DATA.subarray(start, start + 150_000);
      const range = `bytes ${start}-${start + part.length - 1}/${DATA.length}`;
      response.writeHead(206, { ...about, 'content-length': part.length, 'content-range': range }).end(part);
    });
    expect((await read(origin)).equals(DATA)).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('does not believe a range that begins elsewhere', async () => {
    let first = true;
    const { origin } = await serve((_request, response) => {
      if (first) {
        response.writeHead(200, { 'content-length': DATA.length, etag: '"v1"' });
        response.write(DATA.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
      } else {
        response
          .writeHead(206, { 'content-range': `bytes 5-${DATA.length - 1}/${DATA.length}` })
          .end(DATA.subarray(5));
      }
      first = false;
    });
    expect((await failure(read(origin))).message).toContain('cannot be resumed');
  });
});

describe('openUrl and content encodings', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('undoes %s that was not asked for, also across a broken connection', async (encoding, compress) => {
    const packed = compress(DATA);
    let breaks = 1;
    const { origin } = await serve((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const rest = packed.subarray(start);
      response.writeHead(start > 0 ? 206 : 200, {
        'content-encoding': encoding,
        'content-length': rest.length,
        etag: '"v1"',
        ...(start > 0 ? { 'content-range': `bytes ${start}-${packed.length - 1}/${packed.length}` } : {}),
      });
      if (breaks-- > 0) response.write(rest.subarray(0, 200), () => setTimeout(() => response.destroy(), 20));
      else response.end(rest);
    });
    const { stream, size } = await open(origin);
    expect(size).toBeUndefined();
    expect((await buffer(stream)).equals(DATA)).toBe(true);
  });

  it('counts decoded bytes against the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    const { origin } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }).end(bomb);
    });
    expect(bomb.length).toBeLessThan(100_000);
    expect(await failure(read(origin, { maxBytes: 1_000_000 }))).toMatchObject({
      code: 'INPUT_OVER_LIMIT',
      limit: 1_000_000,
    });
  });

  it('says that content is not of its encoding, or of one that is not known', async () => {
    const { origin } = await serve((request, response) => {
      response.writeHead(200, { 'content-encoding': request.url?.slice(1) }).end('plain text');
    });
    for (const encoding of ['gzip', 'br']) {
      const error = await failure(read(`${origin}/${encoding}`));
      expect(error).toMatchObject({ name: 'RetryableError', code: 'URL_FETCH_FAILED' });
      expect(error.message).toContain('cannot be decoded');
    }
    expect((await failure(read(`${origin}/compress`))).message).toContain(
      'content encoding compress is not known',
    );
    expect(String(await read(`${origin}/identity`))).toBe('plain text');
  });
});

describe('openUrl and aborts', () => {
  const forever = (_request: IncomingMessage, response: ServerResponse) => void response.write(DATA);
  const ended = (stream: Readable) =>
    new Promise<unknown>((resolve) => {
      stream.on('error', resolve);
      stream.on('end', () => resolve('end'));
      stream.resume();
    });

  it('rejects with the reason, before and while it waits for an answer', async () => {
    const { origin, requests } = await serve(() => {});
    expect(await failure(open(origin, { signal: AbortSignal.abort('ctrl-c') }))).toBe('ctrl-c');
    expect(requests).toHaveLength(0);
    const controller = new AbortController();
    const opening = failure(open(origin, { signal: controller.signal }));
    while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort('ctrl-c');
    expect(await opening).toBe('ctrl-c');
  });

  it('ends the stream with the reason, also while it waits for another attempt', async () => {
    const { origin } = await serve(forever);
    for (const clock of [new FakeClock({ auto: true }), new FakeClock()]) {
      const controller = new AbortController();
      const reason = new Error('ctrl-c');
      const { stream } = await open(origin, { signal: controller.signal, clock, stallTimeoutMs: 50 });
      const end = ended(stream);
      setTimeout(() => controller.abort(reason), 120);
      expect(await end).toBe(reason);
    }
  });

  it('ends the transfer when the reader goes away', async () => {
    let closed = false;
    const { origin } = await serve((request, response) => {
      request.socket.on('close', () => {
        closed = true;
      });
      forever(request, response);
    });
    const { stream } = await open(origin, { stallTimeoutMs: 60_000 });
    stream.destroy();
    while (!closed) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
