/**
 * Searching vectors of a store, against a bare dot-product loop over the same numbers in memory.
 *
 *     npm run bench -- search [count = 100000] [dimensions = 512] [rounds = 11]
 *
 * The loop has the vectors in one Float32Array, knows no ids and keeps the largest product only. A search opens
 * the tables, reads the vectors from the disk (from the page cache here), ranks, looks the inputs of the hits up and
 * checks that they are as they were. The vectors are random, which is the worst case for an index. Every subject is a
 * process of its own; times are taken inside, without opening the store.
 */
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/io/clock.ts';
import { deriveId } from '../src/model/ids.ts';
import type { SearchFilter } from '../src/model/search.ts';
import type { IndexedModel } from '../src/model/workflow.ts';
import { openVectorSearch } from '../src/stores/index.ts';
import { connectTables } from '../src/stores/local/lance.ts';
import { changeIndexState } from '../src/stores/local/vectors/state.ts';
import { makeVectors } from '../src/stores/local/vectors/tables.ts';
import { encodeVectors } from '../src/stores/local/vectors/vector-rows.ts';
import { ensureVectorIndex } from '../src/stores/local/vectors/vector-search-index.ts';
import { runGenerated, tinyText } from './support/generated.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const SUBJECTS = ['loop', 'all', 'filtered to all', 'filtered to none', 'index'] as const;
type Subject = (typeof SUBJECTS)[number];
const COMMIT_ROWS = 8192;
const TOP = 10;
/** Of the bare loop's rate: it reads nothing and ranks nothing. */
const TARGET = 0.3;

const FILTERS: Partial<Record<Subject, SearchFilter>> = {
  'filtered to all': { not: { concept: 'none' } },
  'filtered to none': { concept: 'none' },
};

const context = {
  clock: systemClock,
  signal: new AbortController().signal,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
};

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'fill') await fill(rest[0]!, Number(rest[1]), Number(rest[2]));
else if (mode === 'index') await ensureVectorIndex(rest[0]!, 'bench', { threshold: 1 }, context);
else if (mode === 'run') await run(rest[0] as Subject, rest[1]!, rest.slice(2).map(Number));
else await compare(Number(mode ?? 100_000), Number(rest[0] ?? 512), Number(rest[1] ?? 11));

async function compare(count: number, dimensions: number, rounds: number): Promise<void> {
  console.log(machine('@lancedb/lancedb'));
  console.log(`${count} vectors of ${dimensions} numbers, the ${TOP} nearest; medians of ${rounds} searches`);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-search-'));
  try {
    const store = join(folder, 'store');
    await measure([SELF, 'fill', store, String(count), String(dimensions)]);
    let loop = Number.NaN;
    for (const subject of SUBJECTS) {
      if (subject === 'index') await measure([SELF, 'index', store]);
      const measured = await measure([
        SELF,
        'run',
        subject,
        store,
        ...[count, dimensions, rounds].map(String),
      ]);
      const ms = Number(measured.stdout);
      if (subject === 'loop') loop = ms;
      const ratio = loop / ms;
      const verdict = subject !== 'all' ? '' : ratio >= TARGET ? ', meets' : `, MISSES ${TARGET}`;
      console.log(
        `  ${subject.padEnd(17)} ${ms.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)} × the loop, ${measured.peakMb.toFixed(0)} MB peak${verdict}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function modelOf(dimensions: number): IndexedModel {
  const node = { name: 'bench', model: 'bench' };
  return {
    ...{ kind: 'text', node, fingerprint: 'bench', space: 'bench' },
    ...{ dimensions, normalised: true, dtype: 'fp32' },
  };
}

async function fill(store: string, count: number, dimensions: number): Promise<void> {
  await runGenerated('store', count, store);
  const model = modelOf(dimensions);
  await changeIndexState(
    store,
    (state) => ({ ...state, serving: { ...state.serving, models: [model] } }),
    context,
  );
  const connection = await connectTables(join(store, 'index', 'db'));
  const table = await makeVectors(connection, model);
  for (let at = 0; at < count; at += COMMIT_ROWS) {
    const rows = Array.from({ length: Math.min(COMMIT_ROWS, count - at) }, (_, i) => {
      const text = tinyText(at + i);
      const vector = randomVector(dimensions);
      return { inputId: deriveId(text, ''), content: hash('sha256', text), part: 'whole' as const, vector };
    });
    await table.add(encodeVectors(rows, dimensions, { runId: 'bench', now: 0 }));
  }
  connection.close();
}

async function run(subject: Subject, store: string, [count, dimensions, rounds]: number[]): Promise<void> {
  const times: number[] = [];
  const search = subject === 'loop' ? bareLoop(count!, dimensions!) : await storeSearch(subject, store);
  await search(randomVector(dimensions!));
  for (let i = 0; i < rounds!; i++) {
    const vector = randomVector(dimensions!);
    const began = performance.now();
    await search(vector);
    times.push(performance.now() - began);
  }
  process.stdout.write(String(median(times)));
  process.exit();
}

function bareLoop(count: number, dimensions: number): (vector: Float32Array) => number {
  const all = new Float32Array(count * dimensions).map(Math.random);
  return (vector) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < all.length; at += dimensions) {
      // Four sums at once: the fastest that plain JavaScript has.
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let i = 0; i < dimensions; i += 4) {
        a += all[at + i]! * vector[i]!;
        b += all[at + i + 1]! * vector[i + 1]!;
        c += all[at + i + 2]! * vector[i + 2]!;
        d += all[at + i + 3]! * vector[i + 3]!;
      }
      most = Math.max(most, a + b + c + d);
    }
    return most;
  };
}

async function storeSearch(
  subject: Subject,
  store: string,
): Promise<(vector: Float32Array) => Promise<void>> {
  const search = await openVectorSearch(store);
  const { models } = search.state.serving;
  return async (vector) => {
    const maxDistance = Number.POSITIVE_INFINITY;
    const request = { vector, metric: 'cosine', hits: 'inputs', top: TOP, maxDistance, models } as const;
    const filter = FILTERS[subject];
    const { found, approximate } = await search.nearest({ ...request, filter }, context.signal);
    const right = found.length === (subject === 'filtered to none' ? 0 : TOP);
    if (!right || approximate !== (subject === 'index')) throw new Error(`${subject}: ${found.length} found`);
  };
}

function randomVector(dimensions: number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, () => Math.random() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
