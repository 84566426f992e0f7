import { describe, expect, it } from 'vitest';
import { Hosts, type Visit } from '../../src/io/http-hosts.ts';
import { RetryableError } from '../../src/model/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';

const { signal } = new AbortController();
const timeout = new RetryableError('URL_FETCH_FAILED', 'http://a/1: no connection within 10 s');

function setUp(perHost = 2) {
  const clock = new FakeClock();
  const hosts = new Hosts(perHost, clock);
  const enter = (host: string) => hosts.enter(host, `http://${host}/x`, signal);
  const visit = async (host: string, does: (visit: Visit) => void) => {
    const entered = await enter(host);
    does(entered);
    entered.leave();
  };
  const fails = (host: string) => visit(host, ({ failed }) => failed(timeout));
  return { clock, enter, visit, fails };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('requests to one host', () => {
  it('wait for a place, in order, and do not hold up those to others', async () => {
    const { enter } = setUp();
    const entered: string[] = [];
    const waiting = ['1', '2', '3', '4'].map((name) =>
      enter('a').then((visit) => {
        entered.push(name);
        return visit;
      }),
    );
    await enter('b');
    await settled();
    expect(entered).toEqual(['1', '2']);
    const first = await waiting[0]!;
    first.leave();
    first.leave();
    await settled();
    expect(entered).toEqual(['1', '2', '3']);
  });
});

describe('a dead host', () => {
  it('is one that answered nothing for 30 s while four requests failed', async () => {
    const { clock, enter, fails } = setUp();
    for (let i = 0; i < 10; i++) await fails('a');
    await clock.advance(29_000);
    await fails('a');
    await clock.advance(1_000);
    await expect(enter('a')).rejects.toMatchObject({
      name: 'RejectedItemError',
      code: 'URL_FETCH_FAILED',
      message:
        'http://a/x: not tried, because a answered none of the last 11 requests in 30 s ' +
        '(http://a/1: no connection within 10 s)',
    });
    (await enter('b')).leave();
  });

  it('is not one that answers now and then, or was asked too seldom to tell', async () => {
    const { clock, enter, fails, visit } = setUp();
    for (let i = 0; i < 3; i++) await fails('a');
    await clock.advance(60_000);
    await visit('a', ({ answered }) => answered());
    for (let i = 0; i < 4; i++) await fails('a');
    await clock.advance(20_000);
    (await enter('a')).leave();
  });

  it('is asked again every 10 s, and is alive once it answers', async () => {
    const { clock, enter, fails, visit } = setUp();
    for (let i = 0; i < 4; i++) await fails('a');
    await clock.advance(31_000);
    await fails('a');
    await expect(enter('a')).rejects.toThrow('not tried');
    await clock.advance(10_000);
    const probe = await enter('a');
    await expect(enter('a')).rejects.toThrow('not tried');
    probe.answered();
    probe.leave();
    await visit('a', ({ answered }) => answered());
    await visit('a', ({ answered }) => answered());
  });

  it('sends away at once those who waited for it', async () => {
    const { clock, enter } = setUp(1);
    const first = await enter('a');
    const waiting = Array.from({ length: 20 }, () => enter('a'));
    for (let i = 0; i < 4; i++) first.failed(timeout);
    await clock.advance(31_000);
    first.failed(timeout);
    first.leave();
    const results = await Promise.allSettled(waiting);
    expect(results.map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
  });
});
