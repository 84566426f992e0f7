import { z } from 'zod';
import { CODES, type Code } from '../../src/model/codes.ts';
import type { Input } from '../../src/model/input.ts';
import { KINDS } from '../../src/model/kind.ts';
import { OUTCOMES, type Outcome, STAGES } from '../../src/model/outcome.ts';
import type { RunReport } from '../../src/pipeline/report.ts';

const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]).describe('See docs/errors.md');
const kind = z.enum(KINDS);
const count = z.int().nonnegative();
const at = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const measure = z.union([z.number(), z.string()]);

export const ledgerLine = z.strictObject({
  inputId: z.string().exactOptional(),
  idGiven: z.literal(true).exactOptional().describe('The id came with the item'),
  uri: z
    .string()
    .describe('Relative to the source and unique within it, such as a/b.jpg, x.zip!/a.jpg or x.csv#L12'),
  sha256: sha256.exactOptional(),
  fingerprint: z.string().exactOptional().describe('Changes when the content may have changed'),
  kind: kind.exactOptional(),
  bytes: count.exactOptional().describe('Size of the payload'),
  outcome: z.enum(OUTCOMES),
  stage: z.enum(STAGES).describe('Where in the way of an item its outcome was decided'),
  code,
  codeNumber: z.int(),
  message: z.string().exactOptional(),
  measured: measure.exactOptional(),
  limit: measure.exactOptional(),
  attempt: count.exactOptional(),
  retryable: z.boolean().exactOptional(),
  warnings: z.array(code).exactOptional().describe('Codes that did not change the outcome'),
  at,
});

export const failureLine = ledgerLine.extend({
  record: z
    .record(z.string(), z.unknown())
    .exactOptional()
    .describe('What helps to find the item again; never a secret'),
});

const media = z.strictObject({
  format: z.string().describe('By content: jpeg, png, mp4, wav, text …'),
  width: count.exactOptional().describe('Pixels, after EXIF orientation'),
  height: count.exactOptional().describe('Pixels, after EXIF orientation'),
  orientation: z.int().min(1).max(8).exactOptional().describe('EXIF orientation'),
  colorSpace: z.string().exactOptional(),
  bitDepth: count.exactOptional().describe('Bits per channel'),
  alpha: z.boolean().exactOptional(),
  frames: count.exactOptional().describe('Pages or frames'),
  durationMs: z.number().nonnegative().exactOptional(),
  frameRate: z.number().nonnegative().exactOptional(),
  codec: z.string().exactOptional(),
  channels: count.exactOptional(),
  sampleRate: z.number().nonnegative().exactOptional().describe('Hertz'),
});

export const inputLine = z.strictObject({
  id: z.string(),
  kind,
  uri: z.string(),
  sha256,
  bytes: count,
  media,
  text: z.string().exactOptional(),
  concepts: z.array(
    z.strictObject({ id: z.string(), name: z.string(), value: z.number().describe('1 present, 0 negative') }),
  ),
  metadata: z.record(z.string(), z.unknown()),
  geo: z
    .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
    .exactOptional(),
  datasets: z.array(z.string()),
  split: z.string().exactOptional(),
});

export const runReport = z.strictObject({
  schema: z.literal(1),
  runId: z.string(),
  command: z.enum(['ingest', 'retry']),
  status: z.enum(['complete', 'interrupted', 'failed']),
  exitCode: z.int(),
  dryRun: z.literal(true).exactOptional(),
  source: z.strictObject({ uri: z.string(), type: z.string(), describes: z.string() }),
  dataset: z.string(),
  totals: z
    .strictObject({
      listed: count,
      ok: count,
      rejected: count,
      failed: count,
      skipped: count,
      pending: count.exactOptional().describe('Listed, without an outcome yet'),
    })
    .describe('listed = ok + rejected + failed + skipped'),
  byCode: z.partialRecord(code, count),
  byKind: z.partialRecord(kind, count),
  bytes: z.strictObject({ read: count, stored: count }),
  batches: z.strictObject({
    count,
    maxItems: count,
    maxBytes: count,
    closedBy: z.strictObject({ items: count, bytes: count, age: count, end: count }),
  }),
  warnings: z.partialRecord(code, count).exactOptional(),
  error: z
    .strictObject({ code, codeNumber: z.int(), message: z.string(), remedy: z.string() })
    .exactOptional(),
  startedAt: at,
  endedAt: at,
  ledger: z.string().exactOptional(),
  failures: z.string().exactOptional(),
  report: z.string().exactOptional(),
});

/** Without `?`, at any depth: a key that only one side has as optional would not stop an assignment. */
type Whole<T> = T extends object ? { [K in keyof T]-?: Whole<T[K]> } : T;
type Assignable<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
/** `true` only while the published shape A and the type B of src/ are the same. */
type Same<A, B> = Assignable<A, B> & Assignable<Whole<A>, Whole<B>>;
type LedgerLine = Omit<Outcome, 'record'> & { codeNumber: number; at: string };
true satisfies Same<z.infer<typeof ledgerLine>, LedgerLine>;
true satisfies Same<z.infer<typeof failureLine>, LedgerLine & Pick<Outcome, 'record'>>;
true satisfies Same<z.infer<typeof inputLine>, Input>;
true satisfies Same<z.infer<typeof runReport>, RunReport>;

const SCHEMAS = {
  'ledger-line': { schema: ledgerLine, title: 'A line of ledger.jsonl, after its first' },
  'failure-line': { schema: failureLine, title: 'A line of failures.jsonl, after its first' },
  'input-line': { schema: inputLine, title: 'A line of "sluice inputs list --json"' },
  report: { schema: runReport, title: 'report.json, and what a run prints with --json' },
} as const;

/** docs/schemas/<name>.schema.json: JSON Schema of what scripts may rely on. */
export function schemaPages(): [path: string, content: string][] {
  return Object.entries(SCHEMAS).map(([name, { schema, title }]) => {
    const { $schema, ...rest } = z.toJSONSchema(schema);
    return [`schemas/${name}.schema.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
  });
}
