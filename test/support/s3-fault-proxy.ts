import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

const TURNS_TO_READ = 100;

export interface SeenRequest {
  method: string;
  /** Path and query as they were sent. */
  url: string;
  headers: IncomingHttpHeaders;
}

/** What goes wrong with one exchange; without any, it is only passed on. */
export interface Fault {
  /** Done before the request is passed on. */
  before?(): Promise<void>;
  /** Answered in the server's place. */
  error?: { status: number; code: string; headers?: Record<string, string>; more?: string };
  /** Bytes of the body after which the connection is reset. */
  resetAfter?: number;
  /** Bytes of the body after which nothing comes any more. */
  stallAfter?: number;
  /** Makes another body of the whole one. */
  edit?(body: string): string;
  /** Position of a byte of the body that is changed on the way. */
  corruptAt?: number;
}

export interface FaultProxy {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  /** In order of arrival. */
  requests: SeenRequest[];
  /** Bytes of bodies that were answered so far. */
  sent(): number;
  /** Requests that are under way. */
  underWay(): number;
  /** Asked about each request; the first fault that one of them gives happens. */
  faults: ((request: SeenRequest) => Fault | undefined)[];
}

/** A fault that happens to the first so many requests that match. */
export function first(
  count: number,
  matches: (request: SeenRequest) => boolean,
  fault: Fault,
): (request: SeenRequest) => Fault | undefined {
  let left = count;
  return (request) => (left > 0 && matches(request) && left-- > 0 ? fault : undefined);
}

export const isListing = ({ url }: SeenRequest): boolean => url.includes('list-type=2');

export const isGet = (request: SeenRequest): boolean => request.method === 'GET' && !isListing(request);

export const slowDown: Fault = { error: { status: 503, code: 'SlowDown' } };

/**
 * Stands before an S3 server and lets things go wrong. Requests are passed on as they came, their Host header included,
 * which is part of what is signed.
 */
export async function s3FaultProxy(target: string): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });
  const requests: SeenRequest[] = [];
  const faults: FaultProxy['faults'] = [];
  let sent = 0;
  let underWay = 0;
  const server = createServer((incoming, response) => {
    underWay++;
    response.on('close', () => {
      underWay--;
    });
    const seen = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers };
    requests.push(seen);
    exchange(incoming, response, faultOf(seen)).catch(() => response.destroy());
  });

  function faultOf(seen: SeenRequest): Fault {
    for (const of of faults) {
      const fault = of(seen);
      if (fault !== undefined) return fault;
    }
    return {};
  }

  async function exchange(incoming: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
    await fault.before?.();
    if (fault.error !== undefined) {
      incoming.resume();
      return answerError(incoming, response, fault.error);
    }
    const upstream = await passOn(incoming);
    response.on('close', () => upstream.destroy());
    if (fault.edit !== undefined) {
      const body = Buffer.from(fault.edit(await text(upstream)));
      response.writeHead(upstream.statusCode!, { ...upstream.headers, 'content-length': body.length });
      response.end(body);
      return;
    }
    response.writeHead(upstream.statusCode!, upstream.headers);
    await passBack(upstream, response, fault);
  }

  function passOn(incoming: IncomingMessage): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(target);
      const { method, url, headers } = incoming;
      const outgoing = request({ hostname, port, method, path: url, headers, agent }, resolve);
      outgoing.on('error', reject);
      incoming.pipe(outgoing);
    });
  }

  async function passBack(upstream: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
    const { resetAfter, stallAfter, corruptAt = -1 } = fault;
    const cut = resetAfter ?? stallAfter ?? Number.POSITIVE_INFINITY;
    let at = 0;
    if (cut === 0) response.flushHeaders();
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      if (corruptAt >= at && corruptAt < at + chunk.length) chunk[corruptAt - at]! ^= 1;
      const part = chunk.subarray(0, Math.max(0, cut - at));
      at += chunk.length;
      sent += part.length;
      if (part.length > 0 && !response.write(part)) await drained(response);
      if (at < cut) continue;
      if (stallAfter !== undefined) return;
      // A reset also takes what has not been read yet, by a reader that may be of this process.
      for (let turn = 0; turn < TURNS_TO_READ; turn++) await nextTurn();
      return void response.socket?.resetAndDestroy();
    }
    response.end();
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    agent.destroy();
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    sent: () => sent,
    underWay: () => underWay,
    faults,
  };
}

function answerError(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, code, headers = {}, more = '' }: NonNullable<Fault['error']>,
): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code} by the proxy</Message>${more}</Error>`;
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(incoming.method === 'HEAD' ? undefined : body);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
