import { z } from 'zod';
import { searchFilterShape } from '../formats/search-filter.ts';
import { KINDS } from '../model/kind.ts';
import { METRICS } from '../model/search.ts';
import { VECTOR_PARTS } from '../model/vector-index.ts';

const count = z.int().min(0);
const unit = z.number().min(0).max(1);
const concepts = z.array(z.strictObject({ id: z.string(), name: z.string(), value: unit }));

const searchHit = z.strictObject({
  rank: z.int().min(1),
  score: z.number().describe('The cosine, or 1 / (1 + euclidean distance): the greater the nearer'),
  distance: z.number().min(0).optional().describe('With the metric euclidean'),
  id: z.string(),
  kind: z.enum(KINDS),
  uri: z.string(),
  part: z.enum(VECTOR_PARTS).describe('What of the input was nearest'),
  timeMs: count.optional().describe('Of a frame of a video'),
  annotation: z
    .strictObject({
      id: z.string(),
      box: z
        .strictObject({ top: unit, left: unit, bottom: unit, right: unit })
        .describe('Normalised, of the upright image'),
      concepts,
    })
    .optional()
    .describe('Of a region'),
  concepts: concepts.describe('Of the input'),
  datasets: z.array(z.string()),
  text: z.string().optional().describe('Its beginning'),
});

export const searchResult = z
  .strictObject({
    schema: z.literal(1),
    query: z.strictObject({
      by: z.enum(['text', 'image', 'audio', 'id']),
      text: z.string().optional(),
      file: z.string().optional(),
      id: z.string().optional(),
      top: z.int().min(1),
      metric: z.enum(METRICS),
      objects: z.boolean().describe('Hits are regions of images'),
      minScore: z.number().optional(),
      kinds: z.array(z.enum(KINDS)).optional(),
      filter: searchFilterShape.optional(),
    }),
    workflow: z.string().describe('The base workflow whose index was searched'),
    models: z
      .array(
        z.strictObject({
          kind: z.enum(KINDS),
          name: z.string().describe('In the workflow'),
          model: z.string(),
          fingerprint: z.string(),
        }),
      )
      .describe('Whose vectors were searched; all of one space'),
    indexed: z.strictObject({ n: count, of: count }).describe('Inputs of the kinds that were searched'),
    exact: z
      .boolean()
      .describe('Every vector was compared; otherwise an index was used, which may miss some'),
    hits: z.array(searchHit).describe('The nearest first; equally near ones by id'),
  })
  .describe('What sluice search --json prints');
