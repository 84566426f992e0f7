import { z } from 'zod';
import type { Flavour } from '../../formats/clarifai-proto/exact.ts';
import { JSON_FLAVOUR, PROTOBUF } from '../../formats/clarifai-proto/exact.ts';
import type { DatasetVersion } from '../../model/dataset.ts';
import type { Loss } from '../../model/export.ts';
import { MEDIA_HELP } from '../media-option.ts';

export const archiveOptions = z
  .strictObject({
    media: z.enum(['embed', 'hosted']).default('embed').describe(MEDIA_HELP),
    hostedPrefix: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        'With media hosted: where <prefix>/orig/<first 2 hex>/<sha256> answers with the bytes of an input, as the blobs ' +
          'of a store lie',
      ),
    includeEmbeddings: z.boolean().default(false).describe('Also write the vectors of each input'),
    batchItems: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('Most inputs of one entry of the archive, over all splits of its round'),
    batchMegabytes: z
      .number()
      .positive()
      .max(127)
      .default(120)
      .describe('Most bytes of one entry (MB of 1 000 000 bytes); a larger input has an entry of its own'),
  })
  .refine(({ media, hostedPrefix }) => (media === 'hosted') === (hostedPrefix !== undefined), {
    path: ['hostedPrefix'],
    message: 'media hosted needs a hostedPrefix, and only media hosted takes one',
  });
export type ArchiveOptions = z.infer<typeof archiveOptions>;

/** What tells the two archives of the platform apart. */
export interface ArchiveKind {
  readonly name: 'protobuf' | 'json';
  /** Exactly the content of the entry `mimetype`. */
  readonly mimetype: string;
  readonly flavour: Flavour;
  /** Of one input. */
  readonly maxInputBytes: number;
}

export const PROTOBUF_ARCHIVE: ArchiveKind = {
  name: 'protobuf',
  mimetype: 'application/x.clarifai-data+protobuf',
  flavour: PROTOBUF,
  // The most that protobuf's own libraries read as one message, less room for a batch around it.
  maxInputBytes: 2 ** 31 - 1_000_000,
};
export const JSON_ARCHIVE: ArchiveKind = {
  name: 'json',
  mimetype: 'application/x.clarifai-data+json',
  flavour: JSON_FLAVOUR,
  // What a reader can hold as one string.
  maxInputBytes: 250_000_000,
};

const KEPT = 'carried under the key sluice of the metadata, from which ingest restores it; other tools see';

export const ARCHIVE_LOSSES: readonly Loss[] = [
  {
    id: 'source',
    what: 'Where an input came from (uri), and the datasets that it is in',
    instead: 'left out',
  },
  { id: 'repairs', what: 'How the original of a repaired input was', instead: 'left out' },
  {
    id: 'polygon-parts',
    what: 'Polygons of several parts or with holes',
    instead: `${KEPT} the mask of its pixels`,
  },
  { id: 'point-names', what: 'Names of points and key points', instead: `${KEPT} the points` },
  {
    id: 'records',
    what: 'Annotator, status, times and annotation_info of an annotation',
    instead: `${KEPT} nothing of them`,
  },
  {
    id: 'whole-input',
    what: 'Annotations without a region, span, frame or segment',
    instead: `${KEPT} their concepts as those of the input`,
  },
  {
    id: 'frame-times',
    what: 'Frame times that are no whole milliseconds',
    instead: `${KEPT} the nearest millisecond`,
  },
  { id: 'too-large', what: 'Inputs larger than one message may be', instead: 'left out, each as an outcome' },
];

const BYTES_AN_INPUT = 300;
const BYTES_AN_ANNOTATION = 300;

/** Roughly what an archive of the version takes. */
export function estimateArchive(
  { bytes, metrics }: DatasetVersion,
  { media }: ArchiveOptions,
  { name }: ArchiveKind,
): number {
  const annotations = metrics.regionsCount + metrics.framesCount;
  const content = media === 'hosted' ? 0 : name === 'json' ? Math.ceil(bytes / 3) * 4 : bytes;
  return content + metrics.inputsCount * BYTES_AN_INPUT + annotations * BYTES_AN_ANNOTATION;
}
