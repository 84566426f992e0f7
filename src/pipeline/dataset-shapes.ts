import { z } from 'zod';
import { annotationFilterShape } from '../formats/annotation-filter.ts';
import { KINDS } from '../model/kind.ts';

const count = z.int().min(0);
const bytes = count.describe('Bytes');
const instant = z.iso.datetime().describe('UTC, ISO 8601');
const json = z.record(z.string(), z.unknown());
const byKind = z.partialRecord(z.enum(KINDS), count);

const info = {
  id: z.string(),
  description: z.string().optional(),
  metadata: json,
  defaultFilterId: z
    .string()
    .optional()
    .describe('The annotation filter that versions take when none is named'),
  createdAt: instant,
  modifiedAt: instant,
};

export const datasetLine = z
  .strictObject({
    ...info,
    inputs: count,
    bytes: bytes.describe('Of the inputs; one that is in two datasets counts in both'),
    byKind,
  })
  .describe('One dataset, as datasets list --json prints it');

export const storedFilter = z
  .strictObject({ id: z.string(), filter: annotationFilterShape, createdAt: instant, modifiedAt: instant })
  .describe('One annotation filter, as filters list --json prints it');

export const datasetVersion = z
  .strictObject({
    dataset: z.string(),
    id: z.string().describe('Unique within the dataset'),
    name: z.string().optional(),
    description: z.string().optional(),
    metadata: json,
    createdAt: instant,
    filter: annotationFilterShape.optional().describe('As it was when the version was made'),
    filterId: z.string().optional().describe('The name under which it was stored'),
    contentHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('SHA-256 over ids, content hashes, labels and annotations: equal for equal content'),
    metrics: z
      .strictObject({
        inputsCount: count,
        unlabeledInputsCount: count.describe('Without a concept and without an annotation'),
        inputsWithMetadataCount: count,
        inputsWithGeoCount: count,
        regionsCount: count.describe('Places in images and frames, and spans of texts'),
        boundingBoxesCount: count,
        polygonsCount: count,
        pointsCount: count,
        masksCount: count,
        framesCount: count.describe('Annotated ones; each counts once'),
        embeddingsCount: count,
        positiveInputTagsCount: count,
        positiveRegionTagsCount: count,
        positiveFrameTagsCount: count,
        regionInputsCount: count.describe('Inputs with a region'),
        regionFramesCount: count.describe('Frames with a region'),
        frameInputsCount: count.describe('Inputs with an annotated frame'),
      })
      .describe('With the names of the platform’s DatasetVersionMetrics'),
    inputsByKind: byKind,
    inputsBySplit: z.record(z.string(), count).describe('Inputs without a split are left out'),
    concepts: z
      .record(
        z.string(),
        z.strictObject({
          name: z.string(),
          positive: count,
          negative: count,
          regions: count.describe('Of the positive ones, those of regions'),
        }),
      )
      .describe('Of inputs and annotations, by id'),
    bytes: bytes.describe('Of all media; equal bytes of two inputs count twice'),
    annotationsLeftOut: count.describe('By the filter, or by their status'),
  })
  .describe('One dataset version, as datasets versions --json prints it');
