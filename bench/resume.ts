/**
 * Resuming a run whose ledger has a million lines: the time until its first new item reaches the sink, against a bare
 * JSON.parse loop over the same lines.
 *
 *     npm run bench -- resume [lines = 1000000] [rounds = 3]
 *
 * "restore" is what a resume adds to a listing: reading the ledger back and leaving out what has a line, over a
 * source that costs nothing to list. "csv" is the whole command over a CSV of texts without ids, where every row has
 * to be read, split and given its id again before it is known as done.
 */
import {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { ingest, type Loader, resume, type Sink } from '../src/index.ts';
import { Accounts } from '../src/pipeline/accounts.ts';
import { environment } from '../src/pipeline/environment.ts';
import { filteredLoader } from '../src/pipeline/filtered-loader.ts';
import { restoreFromLedger } from '../src/pipeline/ledger-state.ts';
import { RunFolder } from '../src/pipeline/run-folder.ts';
import { SeenIds } from '../src/pipeline/seen.ts';
import { nullSink } from '../src/stores/index.ts';
import { tinyText } from './support/generated.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
/** Rows that the interrupted run had not reached. */
const NEW_ITEMS = 100;
const BLOCK_BYTES = 256 * 1024;
const SUBJECTS = { parse: parseLines, restore, csv: resumeCsv };
const TARGETS: Record<string, number> = { restore: 2, csv: 2 };

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'make') {
  await makeRun(rest[0]!, Number(rest[1]));
} else if (mode === 'run') {
  const [subject, folder, lines] = rest as [keyof typeof SUBJECTS, string, string];
  capYoungGeneration();
  const began = performance.now();
  const ended = await SUBJECTS[subject](folder, Number(lines));
  process.stdout.write(String((ended - began) / 1000));
} else {
  await compare(Number(mode ?? 1_000_000), Number(rest[0] ?? 3));
}

async function compare(lines: number, rounds: number): Promise<void> {
  console.log(machine());
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-resume-'));
  try {
    await measure([SELF, 'make', folder, String(lines)]);
    const names = Object.keys(SUBJECTS);
    const times = new Map<string, number[]>(names.map((name) => [name, []]));
    const peaks = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        interrupt(folder, lines);
        const { stdout, peakMb } = await measure([SELF, 'run', name, folder, String(lines)]);
        times.get(name)!.push(Number(stdout));
        peaks.set(name, Math.max(peaks.get(name) ?? 0, peakMb));
      }
    }
    const reference = median(times.get('parse')!);
    for (const [name, taken] of times) {
      const seconds = median(taken);
      const target = TARGETS[name];
      const verdict =
        target === undefined
          ? ''
          : seconds / reference <= target
            ? `, meets ${target}`
            : `, MISSES ${target}`;
      const ratio = (seconds / reference).toFixed(2);
      const peak = peaks.get(name)!.toFixed(0);
      console.log(`${name.padEnd(8)} ${seconds.toFixed(2)} s, ${ratio} × parse${verdict}, ${peak} MB peak`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function storeOf(folder: string): string {
  return join(folder, 'store');
}

function runOf(folder: string): RunFolder {
  const runs = join(storeOf(folder), 'runs');
  return new RunFolder(runs, readdirSync(runs)[0]!);
}

/** A whole run over a CSV with some rows more than the ledger is to have lines. */
async function makeRun(folder: string, lines: number): Promise<void> {
  const source = join(folder, 'rows.csv');
  const csv = openSync(source, 'w');
  writeSync(csv, 'input\n');
  for (let at = 0; at < lines + NEW_ITEMS; at += 1000) {
    const rows = Array.from({ length: Math.min(1000, lines + NEW_ITEMS - at) }, (_, i) => tinyText(at + i));
    writeSync(csv, rows.map((text) => `"${text}"\n`).join(''));
  }
  closeSync(csv);
  const store = storeOf(folder);
  const { totals } = await ingest({ source, store, sink: nullSink(join(store, 'tmp')) });
  if (totals.ok !== lines + NEW_ITEMS) throw new Error(JSON.stringify(totals));
}

/** Takes back what came after the header and `lines` lines, as if the run had been killed there. */
function interrupt(folder: string, lines: number): void {
  const run = runOf(folder);
  rmSync(run.report, { force: true });
  truncateSync(run.ledger, endOfLine(run.ledger, lines + 1));
}

/** Where the line number `wanted`, counted from one, ends. */
function endOfLine(path: string, wanted: number): number {
  const file = openSync(path, 'r');
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    let lines = 0;
    for (let at = 0; ; at += BLOCK_BYTES) {
      const filled = block.subarray(0, readSync(file, block, 0, BLOCK_BYTES, at));
      if (filled.length === 0) throw new Error(`${path} has ${lines} lines, not ${wanted}`);
      for (let end = filled.indexOf(10); end !== -1; end = filled.indexOf(10, end + 1)) {
        if (++lines === wanted) return at + end + 1;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Each of these gives the moment at which it was done. */
async function parseLines(folder: string): Promise<number> {
  let rest = '';
  for await (const chunk of createReadStream(runOf(folder).ledger, {
    encoding: 'utf8',
    highWaterMark: BLOCK_BYTES,
  })) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) JSON.parse(line);
  }
  return performance.now();
}

async function restore(folder: string, lines: number): Promise<number> {
  const free: Loader = {
    describes: 'rows',
    fingerprint: async () => undefined,
    async *list() {
      for (let i = 0; i <= lines; i++) yield { id: '', uri: `rows.csv#L${i + 2}`, text: '' };
      return { complete: true, evidence: 'all' };
    },
  };
  const seen = SeenIds.in(join(storeOf(folder), 'tmp'));
  const { hasOutcome } = await restoreFromLedger(runOf(folder), new Accounts(), seen, 'uri');
  const { logger, clock, abort: signal } = environment();
  const first = await filteredLoader(free, (listed) => !hasOutcome(listed))
    .list({ logger, clock, signal })
    .next();
  if (first.done || first.value.uri !== `rows.csv#L${lines + 2}`) throw new Error(JSON.stringify(first));
  return performance.now();
}

async function resumeCsv(folder: string): Promise<number> {
  const store = storeOf(folder);
  const sink = nullSink(join(store, 'tmp'));
  let reached: number | undefined;
  const watched: Sink = {
    ...sink,
    write(batch) {
      reached ??= performance.now();
      return sink.write(batch);
    },
  };
  const { totals } = await resume({ store, runId: runOf(folder).runId, sink: watched });
  if (reached === undefined || totals.ok !== totals.listed) throw new Error(JSON.stringify(totals));
  return reached;
}
