import { z } from 'zod';
import { annotationShape } from '../formats/annotation-json.ts';
import { CODES, type Code } from '../model/codes.ts';
import { DEVICES } from '../model/embedding.ts';
import { KINDS } from '../model/kind.ts';
import { OUTCOMES, STAGES } from '../model/outcome.ts';
import { datasetLine, datasetVersion, storedFilter } from './dataset-shapes.ts';
import { searchResult } from './search-shapes.ts';

/**
 * The shapes that scripts may rely on (DESIGN.md §6a), published as JSON Schema under docs/schemas. A new optional
 * field is no new version; anything else raises `schema`.
 */
const count = z.int().min(0);
const bytes = count.describe('Bytes; MB means 1 000 000 of them');
const instant = z.iso.datetime().describe('UTC, ISO 8601');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const kind = z.enum(KINDS);
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]).describe('docs/errors.md lists them all');
const measure = z.union([z.number(), z.string()]);

/** First line of every JSON Lines file. */
export const jsonlHeader = z.strictObject({ schema: z.literal(1), type: z.string() });

const ledgerFields = {
  uri: z.string().describe('Relative to the source and unique within it: a/b.jpg, x.zip!/a.jpg, x.csv#L12'),
  outcome: z.enum(OUTCOMES),
  stage: z.enum(STAGES).describe('Where the outcome was decided'),
  code,
  inputId: z.string().optional().describe('The id it is stored under'),
  idGiven: z.literal(true).optional().describe('The id came from the source'),
  sha256: sha256.optional(),
  fingerprint: z.string().optional().describe('Changes when the content may have changed'),
  kind: kind.optional(),
  bytes: bytes.optional(),
  message: z.string().optional(),
  measured: measure.optional(),
  limit: measure.optional(),
  attempt: count.optional().describe('Of the delivery, when it was not the first'),
  retryable: z.boolean().optional().describe('Of rejected and failed items'),
  warnings: z.array(code).optional(),
  annotations: z
    .strictObject({
      good: count.describe('They share the outcome of their input'),
      problems: z
        .array(
          z.strictObject({
            ref: z.string().describe('Where it stands: instances.json#annotations/77'),
            code,
            message: z.string(),
            measured: measure.optional(),
            limit: measure.optional(),
          }),
        )
        .optional()
        .describe('The rejected ones'),
    })
    .optional(),
  withText: z.literal(true).optional().describe('An image that came with a text'),
  repair: z
    .strictObject({
      steps: z.array(z.string()).describe('What was done, in order'),
      originalSha256: sha256.describe('Of the bytes as they were in the source'),
      originalBytes: bytes,
      parts: z.array(z.string()).optional().describe('Ids of the parts of an item that was divided'),
    })
    .optional(),
  codeNumber: z.int().describe('The platform’s number of the code; ours begin at 900 000'),
  at: instant,
};

export const ledgerLine = z.strictObject(ledgerFields).describe('One item’s final outcome, in ledger.jsonl');

export const failureLine = z
  .strictObject({
    ...ledgerFields,
    record: z.record(z.string(), z.unknown()).optional().describe('What the source said of the item'),
  })
  .describe('A rejected or failed item, in failures.jsonl');

const concept = z.strictObject({
  id: z.string(),
  name: z.string(),
  value: z.number().min(0).max(1).describe('1 present, 0 negative'),
});

export const inputLine = z
  .strictObject({
    id: z.string(),
    kind,
    uri: z.string(),
    sha256,
    bytes,
    media: z.strictObject({
      format: z.string().describe('By content, lower case: jpeg, png, mp4, wav, text …'),
      width: count.optional().describe('Pixels, orientation applied'),
      height: count.optional().describe('Pixels, orientation applied'),
      orientation: z.int().min(1).max(8).optional().describe('EXIF orientation'),
      colorSpace: z.string().optional(),
      bitDepth: count.optional().describe('Bits per channel'),
      alpha: z.boolean().optional(),
      frames: count.optional().describe('Frames or pages'),
      durationMs: z.number().min(0).optional(),
      frameRate: z.number().min(0).optional(),
      codec: z.string().optional(),
      channels: count.optional(),
      sampleRate: count.optional().describe('Hertz'),
      original: z
        .strictObject({
          format: z.string(),
          sha256,
          bytes,
          width: count.optional(),
          height: count.optional(),
          orientation: z.int().min(1).max(8).optional(),
        })
        .optional()
        .describe('Of an input that was changed to fit the limits: the file as it was in the source'),
    }),
    text: z.string().optional().describe('Of texts up to 64 kB; inputs get --out gives longer ones'),
    concepts: z.array(concept),
    metadata: z.record(z.string(), z.unknown()),
    geo: z
      .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
      .optional(),
    datasets: z.array(z.string()),
    split: z.string().optional(),
    annotations: z.array(annotationShape),
    embeddings: z
      .array(
        z.strictObject({
          model: z.string().describe('As the workflow names it'),
          part: z.string().describe('whole, frame:<milliseconds> or region:<annotation id>'),
          vector: z.array(z.number()),
        }),
      )
      .optional()
      .describe('Only with inputs list --embeddings: the vectors that searches use'),
    createdAt: instant.optional().describe('Of the inputs of a dataset version'),
    modifiedAt: instant.optional(),
  })
  .describe('One input, as inputs list --json prints it');

const device = z.enum(DEVICES);

const indexReport = z.strictObject({
  workflow: z.string().describe('The base workflow'),
  generation: z.string(),
  models: z.array(
    z.strictObject({
      kind,
      name: z.string(),
      model: z.string(),
      fingerprint: z.string(),
      dimensions: count,
      device: z.strictObject({
        asked: z.array(device),
        tried: z.array(z.strictObject({ device, error: z.string() })).describe('Those that could not be had'),
        got: device,
        sessions: count,
        threads: count.describe('Of one session'),
        deviceBatch: count.describe('Items that one call computes'),
      }),
    }),
  ),
  totals: z
    .strictObject({
      listed: count,
      ok: count,
      failed: count,
      skipped: count,
      pending: count.optional().describe('Left to sluice reindex'),
    })
    .describe('Of the inputs that were written: listed = ok + failed + skipped + pending'),
  byCode: z.partialRecord(code, count),
  vectors: count.describe('Written'),
  failures: z
    .array(z.strictObject({ inputId: z.string(), code, message: z.string() }))
    .optional()
    .describe('Inputs without vectors, the first of each code; sluice reindex lists all'),
  plan: z
    .array(
      z.strictObject({ kind, name: z.string(), model: z.string(), inputs: count, bytes, estimatedMs: count }),
    )
    .optional()
    .describe('Of a dry run: what would be embedded; the times are by a short measurement'),
});

export const runReport = z
  .strictObject({
    schema: z.literal(1),
    runId: z.string(),
    command: z.enum(['ingest', 'retry', 'export', 'reindex']),
    status: z.enum(['complete', 'interrupted', 'failed']),
    exitCode: z.int().describe('0 ok · 1 fatal · 2 some rejected or failed · 3 incomplete · 130 interrupted'),
    dryRun: z.literal(true).optional(),
    sources: z.array(
      z.strictObject({
        name: z.string().optional().describe('Where there are several; uris begin with it'),
        uri: z.string(),
        type: z.string(),
        describes: z.string(),
      }),
    ),
    dataset: z.string(),
    totals: z
      .strictObject({
        listed: count,
        ok: count,
        rejected: count,
        failed: count,
        skipped: count,
        pending: count.optional().describe('Listed without an outcome yet; resume takes them up'),
      })
      .describe('listed = ok + rejected + failed + skipped'),
    byCode: z.partialRecord(code, count),
    byKind: z.partialRecord(kind, count).describe('Of the ok items'),
    withText: count.optional().describe('Of the ok images: those that came with a text'),
    annotations: z
      .strictObject({
        totals: z.strictObject({ listed: count, ok: count, rejected: count, failed: count, skipped: count }),
        byCode: z.partialRecord(code, count).describe('Of the rejected ones'),
      })
      .optional()
      .describe('Their own identity: listed = ok + rejected + failed + skipped'),
    index: indexReport.optional().describe('What the run did to the index; absent where nothing is embedded'),
    bytes: z.strictObject({ read: bytes, stored: bytes }),
    batches: z.strictObject({
      count,
      maxItems: count,
      maxBytes: bytes,
      closedBy: z.strictObject({ items: count, bytes: count, age: count, end: count }),
    }),
    export: z
      .strictObject({
        format: z.string(),
        out: z.string().describe('Absolute path of the file or folder, or its s3:// address'),
        version: z.string(),
        contentHash: sha256.describe('Of the version: equal for equal content'),
        files: z
          .strictObject({ count, bytes })
          .optional()
          .describe('Absent while nothing was completed; the marker beside or in the export lists them'),
        estimatedBytes: bytes.optional().describe('Of a dry run'),
        lossTable: z
          .array(z.strictObject({ id: z.string(), what: z.string(), instead: z.string() }))
          .optional()
          .describe('Of a dry run: what the format cannot carry'),
        losses: z.record(z.string(), count).describe('What was left out of exported inputs, by loss'),
        annotations: z.strictObject({ written: count, leftOut: count }),
      })
      .optional()
      .describe('Of an export'),
    warnings: z.partialRecord(code, count).optional(),
    error: z.strictObject({ code, codeNumber: z.int(), message: z.string(), remedy: z.string() }).optional(),
    startedAt: instant,
    endedAt: instant,
    ledger: z.string().optional().describe('Path; absent in a dry run'),
    failures: z.string().optional(),
    report: z.string().optional(),
    page: z.string().optional().describe('The same for people, to open in a browser'),
  })
  .describe('The document that ends a run: report.json, and stdout with --json');

/** Every published shape by the name of its file. */
export const SHAPES = {
  'jsonl-header': jsonlHeader,
  'ledger-line': ledgerLine,
  'failure-line': failureLine,
  'input-line': inputLine,
  'run-report': runReport,
  'dataset-line': datasetLine,
  'dataset-version': datasetVersion,
  'stored-filter': storedFilter,
  'search-result': searchResult,
};
