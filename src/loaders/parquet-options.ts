import { z } from 'zod';
import { manifestFields } from './manifest-options.ts';
import { allowOutside, allowPrivateAddresses } from './reach.ts';

/** What loaders of tables with typed columns let the user choose. */
export const tableFields = {
  inputColumn: z.string().min(1).optional().describe('Column of the inputs, where its name does not tell'),
  inputType: z
    .enum(['raw', 'url', 'file', 'bytes'])
    .optional()
    .describe(
      'What the cells of the input column are: raw texts, URLs, file paths or the bytes themselves; by default its ' +
        'type and first rows tell',
    ),
  idColumn: z.string().min(1).optional().describe('Column of the ids, where its name does not tell'),
  conceptsColumn: z
    .string()
    .min(1)
    .optional()
    .describe('Column of the labels, where its name does not tell: texts, class numbers, or lists of them'),
  metadataColumns: z
    .array(z.string().min(1))
    .default([])
    .describe('Column that becomes metadata under its own name; may be given several times'),
  textColumn: z.string().min(1).optional().describe('Column of the text that comes with an image'),
  geoOrder: manifestFields.geoOrder,
  idPrefix: manifestFields.idPrefix,
  allowOutside,
  allowPrivateAddresses,
};

/** The values of `tableFields`. */
export type TableOptions = z.infer<z.ZodObject<typeof tableFields>>;
