import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestOverhead } from '../../src/formats/input-size.ts';
import type { Code } from '../../src/model/codes.ts';
import type { Listed } from '../../src/model/contracts.ts';
import { type Outcome, outcomeOf } from '../../src/model/outcome.ts';
import { Accounts } from '../../src/pipeline/accounts.ts';
import { runOptions } from '../../src/pipeline/config.ts';
import { environment } from '../../src/pipeline/environment.ts';
import { filteredLoader } from '../../src/pipeline/filtered-loader.ts';
import { restoreFromLedger } from '../../src/pipeline/ledger-state.ts';
import { emptyBatchTotals, type RunReport } from '../../src/pipeline/report.ts';
import { RunFolder } from '../../src/pipeline/run-folder.ts';
import { SeenIds } from '../../src/pipeline/seen.ts';
import { runSession } from '../../src/pipeline/session.ts';
import { type Fate, fastClock, fatal, listLoader, Rows, type Trouble, UnreliableSink } from './unreliable.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-whole-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const BATCH_BYTES = 1_000;
const RUN_ID = '20260101T000000000-000000';
const CONTENT_CODES = {
  text: undefined,
  stream: undefined,
  empty: 'ALL_INPUT_INVALID_BYTES',
  huge: 'INPUT_BATCH_OVERSIZE',
  unreadable: 'INPUT_READ_FAILED',
} as const;
const FATE_CODES: Record<Fate, Code> = {
  store: 'INPUT_SUCCESS',
  refuse: 'INPUT_INVALID_REQUEST',
  fail: 'DELIVERY_FAILED',
  poison: 'INPUT_INVALID_ARGUMENT',
  jam: 'DELIVERY_FAILED',
};

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );
const entryPlan = fc.record({
  entry: often<'item' | 'outcome'>('item', 'outcome'),
  /** Given ids come from few, so that some come twice; 60 characters are too many for an id. */
  id: fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 0, max: 60 }).map((n) => `given-${n}`),
    fc.constant('x'.repeat(60)),
  ),
  content: often<keyof typeof CONTENT_CODES>('text', 'stream', 'empty', 'huge', 'unreadable'),
  fate: often<Fate>('store', 'refuse', 'fail', 'poison', 'jam'),
});
type EntryPlan = typeof entryPlan extends fc.Arbitrary<infer T> ? T : never;
/** How a part of the run is cut off: which signal or error, at which request or listed entry. */
const cut = fc.record({
  how: fc.constantFrom<'stop' | 'abort' | 'fatal'>('stop', 'abort', 'fatal'),
  where: fc.constantFrom<'request' | 'listing'>('request', 'listing'),
  at: fc.nat({ max: 12 }),
});
const plan = fc.record({
  entries: fc.array(entryPlan, { maxLength: 40 }),
  batchItems: fc.integer({ min: 1, max: 8 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  sinkConcurrency: fc.integer({ min: 1, max: 3 }),
  troubles: fc.array(often<Trouble>('none', 'throttle', 'error before', 'error after'), { maxLength: 20 }),
  cuts: fc.array(cut, { maxLength: 3 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

const uriOf = (i: number) => `item-${i}`;

function listed({ entry, id, content }: EntryPlan, i: number): Listed {
  const uri = uriOf(i);
  if (entry === 'outcome') return outcomeOf(uri, 'list', 'CSV_ROW_INVALID', { message: 'bad row' });
  const item = { id: id ?? `derived-${i}`, ...(id === undefined ? {} : { idGiven: true }), uri };
  const text = content === 'empty' ? '' : content === 'huge' ? 'huge '.repeat(BATCH_BYTES) : `text ${i}`;
  if (content === 'text' || content === 'empty' || content === 'huge') return { ...item, text };
  return {
    ...item,
    open: async () => {
      if (content === 'unreadable') throw new Error('no bytes today');
      return Readable.from([Buffer.from(text)]);
    },
  };
}

/** What must become of each entry, told from the plan alone. */
function expected({ entries }: Plan): Record<string, Code> {
  const used = new Set<string>();
  return Object.fromEntries(
    entries.map(({ entry, id, content, fate }, i): [string, Code] => {
      if (entry === 'outcome') return [uriOf(i), 'CSV_ROW_INVALID'];
      if (id !== undefined && id.length > 48) return [uriOf(i), 'INPUT_INVALID_REQUEST'];
      if (id !== undefined && used.has(id)) return [uriOf(i), 'INPUT_DUPLICATE'];
      if (id !== undefined) used.add(id);
      return [uriOf(i), CONTENT_CODES[content] ?? FATE_CODES[fate]];
    }),
  );
}

/** One process of the run, from its begin or as a resume, which `cut` may end early. */
async function part(thePlan: Plan, round: number, folder: RunFolder, rows: Rows): Promise<RunReport> {
  const stop = new AbortController();
  const abort = new AbortController();
  const cutting = thePlan.cuts[round];
  const at = (where: 'request' | 'listing') => (number: number) => {
    if (cutting?.where !== where || cutting.at !== number) return;
    if (cutting.how === 'fatal') fatal();
    (cutting.how === 'stop' ? stop : abort).abort(new Error('interrupted'));
  };
  const fates = new Map(thePlan.entries.map(({ fate }, i) => [uriOf(i), fate]));
  const spoolDir = join(folder.path, 'spool');
  const { troubles, sinkConcurrency: concurrency } = thePlan;
  const sink = new UnreliableSink(rows, RUN_ID, { fates, troubles, concurrency, spoolDir }, at('request'));
  const accounts = new Accounts();
  const seen = SeenIds.in(spoolDir);
  const { hasOutcome } = await restoreFromLedger(folder, accounts, seen, 'uri');
  const entries = thePlan.entries.map((entry, i) => () => listed(entry, i));
  const loader = listLoader(entries, at('listing'));
  const report = await runSession(
    {
      ...{ runId: RUN_ID, command: 'ingest', sink, seen, folder, accounts, resumed: round > 0 },
      config: {
        sources: [{ source: '/nowhere', sourceType: 'list', loader: {}, annotate: [] }],
        options: runOptions.parse({
          batchItems: thePlan.batchItems,
          batchMegabytes: BATCH_BYTES / 1e6,
          concurrency: thePlan.concurrency,
        }),
      },
      sources: { loader, describes: [''], concepts: [], close: async () => {} },
      loader: filteredLoader(loader, (entry) => !hasOutcome(entry)),
      ...{ startedAt: '', batches: emptyBatchTotals(), bytesRead: 0 },
    },
    environment({ clock: fastClock, stop: stop.signal, abort: abort.signal }),
  );
  expectRequests(sink, thePlan);
  return report;
}

function expectRequests({ requests }: UnreliableSink, { batchItems, sinkConcurrency }: Plan): void {
  for (const request of requests) {
    expect(request.length).toBeLessThanOrEqual(batchItems);
    const bytes = request.reduce((sum, { wireBytes }) => sum + wireBytes, requestOverhead());
    expect(bytes).toBeLessThan(BATCH_BYTES);
  }
  const order = [...new Set(requests.flat().map(({ item }) => Number(item.uri.split('-')[1])))];
  // What is sent again comes later than its place; with one request at a time the first attempts are in order.
  if (sinkConcurrency === 1) expect(order).toEqual([...order].sort((a, b) => a - b));
}

function expectIdentity(report: RunReport, lines: readonly Outcome[]): void {
  const { listed: count, ok, rejected, failed, skipped } = report.totals;
  expect(ok + rejected + failed + skipped).toBe(count);
  expect(lines).toHaveLength(count);
  expect(new Set(lines.map(({ uri }) => uri)).size).toBe(count);
}

const ledgerLines = (folder: RunFolder): Outcome[] =>
  readFileSync(folder.ledger, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line));

test('whatever goes wrong, each item has one outcome, and a run that was cut off is resumed to the same end', async () => {
  let runs = 0;
  let interrupted = 0;
  await fc.assert(
    fc.asyncProperty(plan, async (thePlan) => {
      const folder = new RunFolder(join(dir, String(runs++)), RUN_ID);
      await folder.create({ schema: 1, type: 'run', runId: RUN_ID } as never);
      const rows = new Rows();
      let report: RunReport;
      let round = 0;
      do {
        report = await part(thePlan, round, folder, rows);
        expectIdentity(report, ledgerLines(folder));
        if (report.status !== 'complete') interrupted++;
        expect(round++).toBeLessThanOrEqual(thePlan.cuts.length);
      } while (report.status !== 'complete');
      const lines = ledgerLines(folder);
      const want = expected(thePlan);
      expect(Object.fromEntries(lines.map(({ uri, code }) => [uri, code]))).toEqual(want);
      expect(report.totals.listed).toBe(thePlan.entries.length);
      const stored = [...rows.rows.values()].map(({ uri }) => uri).sort();
      expect(stored).toEqual(
        Object.keys(want)
          .filter((uri) => want[uri] === 'INPUT_SUCCESS')
          .sort(),
      );
      expect(rows.doubled).toBe(0);
      rmSync(join(dir, String(runs - 1)), { recursive: true });
    }),
    { numRuns: 120 },
  );
  expect(interrupted).toBeGreaterThan(20);
});
