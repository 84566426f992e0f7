import { z } from 'zod';
import { GEO_ORDERS } from '../formats/csv/cells.ts';

/** What every loader that reads a CSV of inputs lets the user choose about it. */
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
};

/** The values of `manifestFields`, and the prefix of derived ids, which every loader has. */
export type ManifestOptions = z.infer<z.ZodObject<typeof manifestFields>> & { idPrefix: string };

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
