import { z } from 'zod';
import { classList, pixelValue } from './class-map.ts';
import { patternProblem } from './path-pattern.ts';

export const maskOptions = z
  .strictObject({
    pattern: z
      .string()
      .default('masks/{stem}.png')
      .superRefine((text, ctx) => {
        const problem = patternProblem(text);
        if (problem !== undefined) ctx.addIssue({ code: 'custom', message: problem });
      })
      .describe(
        'Where the mask of an image lies, relative to the source: {dir} is the folder of the image, {name} its file ' +
          'name, {stem} that name without its extension',
      ),
    mode: z
      .enum(['index', 'color', 'binary'])
      .default('index')
      .describe(
        'What a pixel says: index its index in the palette or its gray value, color its colour, binary that it ' +
          'belongs to the only class unless it is 0',
      ),
    classes: z
      .union([z.string().min(1), classList])
      .describe(
        'Names by index or "#rrggbb" colour, a list of names by index, or a .json, .yaml or .txt file of them; for ' +
          'binary masks the name of the class',
      ),
    ignore: z
      .array(pixelValue)
      .optional()
      .describe(
        'Indexes or colours that are no class; by default 0 and 255, or #000000, where the classes do not name them',
      ),
  })
  .superRefine(({ mode, classes }, ctx) => {
    const names = typeof classes === 'string' ? 1 : Object.keys(classes).length;
    if (mode === 'binary' && names !== 1)
      ctx.addIssue({ code: 'custom', path: ['classes'], message: 'a binary mask has one class' });
  });
export type MaskOptions = z.infer<typeof maskOptions>;
