import { z } from 'zod';
import { itemShape } from '../../loaders/item-shape.ts';
import { CODES, type Code } from '../../model/codes.ts';
import { KINDS } from '../../model/kind.ts';
import { OUTCOMES } from '../../model/outcome.ts';

const count = z.int().min(0);
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);

/** An item of a test: a text, or a file beside the pipeline file, with its labels. */
const givenItem = z.strictObject({
  ...itemShape,
  uri: z.string().min(1).optional().describe('By default the name of the file, or item-1.txt and so on'),
  text: z.string().optional().describe('The text itself; beside a file, the text of an image'),
  file: z.string().min(1).optional().describe('Relative to the pipeline file'),
});

const expectedItem = z
  .strictObject({
    uri: z.string().optional().describe('Which item; or its id'),
    id: z.string().optional(),
    outcome: z.enum(OUTCOMES).optional(),
    code: code.optional().describe('docs/errors.md lists them'),
    message: z.string().optional().describe('A part of the message'),
    warnings: z.array(code).optional(),
    kind: z.enum(KINDS).optional(),
    concepts: z.array(z.string()).optional().describe('Ids, in any order; ID=0 for a negative one'),
    metadata: z.record(z.string(), z.unknown()).optional().describe('At least these'),
    split: z.string().optional(),
    text: z.string().optional(),
    annotations: count.optional().describe('How many are stored with it'),
    problems: z.array(code).optional().describe('Codes of its annotations that cannot be used, in order'),
  })
  .refine(({ uri, id }) => (uri === undefined) !== (id === undefined), 'needs either uri or id');

/** One entry of `tests`. */
export const testSchema = (source: z.ZodType) =>
  z
    .strictObject({
      name: z.string().min(1).optional().describe('What the test shows'),
      source: source.optional().describe('Read instead of the pipeline’s own source'),
      items: z
        .array(givenItem)
        .min(1)
        .optional()
        .describe('Given instead of a source; labels beside a source are not read'),
      expect: z
        .strictObject({
          totals: z
            .strictObject({
              listed: count.optional(),
              ok: count.optional(),
              rejected: count.optional(),
              failed: count.optional(),
              skipped: count.optional(),
            })
            .optional()
            .describe('As the report counts them'),
          byCode: z.partialRecord(code, count).optional().describe('At least these'),
          byKind: z
            .partialRecord(z.enum(KINDS), count)
            .optional()
            .describe('Of the ok items, at least these'),
          annotations: z
            .strictObject({ listed: count.optional(), ok: count.optional(), rejected: count.optional() })
            .optional()
            .describe('Totals of annotations'),
          export: z
            .strictObject({
              files: z.array(z.string()).optional().describe('Files that are written, at least these'),
              losses: z.record(z.string(), count).optional().describe('At least these'),
              written: count.optional().describe('Annotations in the files'),
              leftOut: count.optional().describe('Annotations that the format cannot carry'),
            })
            .optional()
            .describe('Of a pipeline that is an export'),
          exitCode: z.int().optional(),
          items: z.array(expectedItem).optional().describe('What became of single items'),
        })
        .describe('What must come out; what is not named may be anything'),
    })
    .refine(
      ({ source: given, items }) => given === undefined || items === undefined,
      'give a source or items, not both',
    );

export type PipelineTest = z.output<ReturnType<typeof testSchema>> & { source?: unknown };
export type ExpectedItem = z.output<typeof expectedItem>;
export type GivenItem = z.output<typeof givenItem>;
