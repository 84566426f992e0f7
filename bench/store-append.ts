/**
 * Tiny texts from a generated source into the local store, whole run, against LanceDB's own appends of the same rows.
 *
 *     npm run bench -- store-append [count = 1000000] [rounds = 3]
 *
 * The references append in commits of 8 192 rows into a table with the same columns: plain objects, as LanceDB's
 * documentation has it, and Arrow columns built by hand as the store does. Only their appends are timed, not the
 * making of the rows. They sync nothing, check no id and write no ledger; the run does all of that.
 */
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@lancedb/lancedb';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { deriveId } from '../src/model/ids.ts';
import { COMMIT_ROWS } from '../src/stores/local/compaction.ts';
import { encodeRows, type InputRow, inputSchema } from '../src/stores/local/rows.ts';
import { runGenerated, tinyText } from './support/generated.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const TARGET = 0.5;
const SUBJECTS = ['objects', 'arrow', 'sluice'] as const;
type Subject = (typeof SUBJECTS)[number];

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'run') {
  const [subject, count, folder] = rest as [Subject, string, string];
  capYoungGeneration();
  const seconds =
    subject === 'sluice'
      ? await sluice(Number(count), folder)
      : await appends(subject, Number(count), folder);
  process.stdout.write(String(seconds));
} else {
  await compare(Number(mode ?? 1_000_000), Number(rest[0] ?? 3));
}

async function compare(count: number, rounds: number): Promise<void> {
  console.log(machine('@lancedb/lancedb', 'apache-arrow'));
  const rates = new Map<Subject, number[]>(SUBJECTS.map((subject) => [subject, []]));
  const peaks = new Map<Subject, number>();
  for (let round = 0; round < rounds; round++) {
    for (const subject of SUBJECTS) {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-append-'));
      try {
        const run = await measure([SELF, 'run', subject, String(count), join(folder, 'store')]);
        rates.get(subject)!.push(count / Number(run.stdout));
        peaks.set(subject, Math.max(peaks.get(subject) ?? 0, run.peakMb));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  const ours = median(rates.get('sluice')!);
  for (const [subject, taken] of rates) {
    const rate = median(taken);
    const ratio = ours / rate;
    const verdict = subject === 'objects' ? `, ${ratio >= TARGET ? 'meets' : 'MISSES'} ${TARGET}` : '';
    const compared = subject === 'sluice' ? '' : `; sluice is at ${ratio.toFixed(2)} × of it${verdict}`;
    console.log(
      `${subject.padEnd(7)} ${(rate / 1000).toFixed(1)} k rows/s, ${peaks.get(subject)!.toFixed(0)} MB peak${compared}`,
    );
  }
}

async function sluice(count: number, folder: string): Promise<number> {
  const began = performance.now();
  await runGenerated('store', count, folder);
  return (performance.now() - began) / 1000;
}

async function appends(subject: 'objects' | 'arrow', count: number, folder: string): Promise<number> {
  const connection = await connect(folder);
  const table = await connection.createEmptyTable('inputs', inputSchema);
  let ms = 0;
  for (let at = 0; at < count; at += COMMIT_ROWS) {
    const rows = Array.from({ length: Math.min(COMMIT_ROWS, count - at) }, (_, i) => rowOf(at + i));
    const objects = subject === 'objects' ? rows.map(plainObject) : [];
    const began = performance.now();
    await table.add(subject === 'objects' ? objects : encodeRows(rows).table);
    ms += performance.now() - began;
  }
  if ((await table.countRows()) !== count) throw new Error('rows are missing');
  return ms / 1000;
}

/** As a run makes it of the same text. */
function rowOf(i: number): InputRow {
  const text = Buffer.from(tinyText(i));
  return {
    id: deriveId(text, ''),
    kind: 'text',
    uri: `generated#${i}`,
    sha256: hash('sha256', text, 'hex'),
    bytes: text.length,
    fingerprint: undefined,
    media: { format: 'text' },
    text,
    concepts: [],
    metadata: {},
    geo: undefined,
    datasets: ['default'],
    split: undefined,
    source: undefined,
    runId: '20260101T000000000-000000',
    runCode: 'INPUT_SUCCESS',
    createdAt: 1_767_225_600_000,
    updatedAt: 1_767_225_600_000,
    annotations: '[]',
  };
}

/** The same row as LanceDB takes it from its users. */
function plainObject(row: InputRow): Record<string, unknown> {
  return {
    id: row.id,
    kind: row.kind,
    uri: row.uri,
    sha256: row.sha256,
    bytes: row.bytes,
    fingerprint: null,
    media: JSON.stringify(row.media),
    text: row.text!.toString(),
    concepts: '[]',
    metadata: '{}',
    latitude: null,
    longitude: null,
    datasets: row.datasets,
    split: null,
    source: null,
    runId: row.runId,
    runCode: row.runCode,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    annotations: row.annotations,
    textBytes: row.text!.length,
    annotationBytes: 0,
  };
}
