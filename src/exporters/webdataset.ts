import { z } from 'zod';
import type { Context } from '../model/contracts.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import type { ExporterComponent, ExportResult, ExportSource, ExportTarget } from '../model/export.ts';
import { KINDS } from '../model/kind.ts';
import type { Outcome } from '../model/outcome.ts';
import { normaliseFields, withNormalised } from './normalise.ts';
import { writeShards } from './webdataset/write-shards.ts';

/** Of a sample beside its media: headers, and labels; about. */
const SAMPLE_BYTES = 2_500;

const options = z.strictObject({
  maxShardSize: z
    .int()
    .min(1_000_000)
    .default(1_000_000_000)
    .describe('Bytes after which another shard is begun'),
  maxShardSamples: z.int().min(1).default(100_000).describe('Samples after which another shard is begun'),
  cls: z
    .boolean()
    .default(false)
    .describe('Also write the number of its concept as .cls for inputs with just one, and classes.txt'),
  ...normaliseFields,
});
export type WebdatasetOptions = z.infer<typeof options>;

/** Tar shards, a sample an input: its media, its text, and a JSON of all else. */
export const webdataset: ExporterComponent<WebdatasetOptions> = {
  name: 'webdataset',
  summary: 'Tar shards for WebDataset: the media, texts and a JSON of labels and annotations of each input',
  example: 'sluice export default --format webdataset --out webdataset',
  options,
  writes: 'folder',
  kinds: KINDS,
  losses: [],
  estimate: ({ bytes, metrics }: DatasetVersion) => bytes + metrics.inputsCount * SAMPLE_BYTES,
  write(
    source: ExportSource,
    target: ExportTarget,
    { maxShardSize, maxShardSamples, cls, normalise }: WebdatasetOptions,
    ctx: Context,
  ): AsyncGenerator<Outcome, ExportResult, void> {
    const classes = cls ? new Map(source.concepts.map(({ id }, i) => [id, i])) : undefined;
    const shardOptions = { bytes: maxShardSize, samples: maxShardSamples, classes };
    return withNormalised(source, target, { normalise }, ctx, (from) =>
      writeShards(from, target, shardOptions, ctx),
    );
  },
};
