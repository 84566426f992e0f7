import { z } from 'zod';
import { GEO_ORDERS } from '../formats/csv/cells.ts';
import { MAX_PREFIX_LENGTH } from '../model/ids.ts';

/** What every loader that reads a CSV of inputs lets the user choose about it, and about the ids it derives. */
export const manifestFields = {
  csvType: z
    .enum(['raw', 'url', 'file', 'file_path'])
    .optional()
    .describe(
      'What the cells of an "input" column are: raw texts, URLs or file paths; by default its first rows tell',
    ),
  delimiter: z
    .enum(['comma', 'semicolon', 'tab', 'pipe'])
    .optional()
    .describe('What separates cells; by default the header tells'),
  encoding: z
    .string()
    .refine(isEncoding, { error: ({ input }) => `"${input}" is not the name of an encoding` })
    .optional()
    .describe('Encoding of the CSV, such as windows-1252 or shift_jis; by default its first bytes tell'),
  geoOrder: z.enum(GEO_ORDERS).default('lon,lat').describe('Order of the two numbers in a "geopoints" cell'),
  maxRecordBytes: z
    .number()
    .int()
    .min(1000)
    .max(64_000_000)
    .default(1_000_000)
    .describe('Longest record of a CSV, in bytes; a longer one is rejected'),
  idPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, 'takes ASCII letters, digits, "_" and "-" only')
    .max(MAX_PREFIX_LENGTH, `takes at most ${MAX_PREFIX_LENGTH} characters`)
    .default('')
    .describe('Put before every derived id, to keep sources apart'),
};

/** The values of `manifestFields`. */
export type ManifestOptions = z.infer<z.ZodObject<typeof manifestFields>>;

const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t', pipe: '|' } as const;

export const delimiterOf = ({ delimiter }: ManifestOptions): string | undefined =>
  delimiter && DELIMITERS[delimiter];

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}
