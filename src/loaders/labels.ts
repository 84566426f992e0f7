import { z } from 'zod';
import type { Concept } from '../model/labels.ts';

/** Options of every loader whose items lie in folders. */
export const labelOptions = {
  labels: z
    .enum(['none', 'folder'])
    .default('none')
    .describe('Where concepts come from: the name of the folder that a file lies in, or nowhere'),
  labelLevel: z
    .union(
      [
        z.literal('all'),
        z.coerce
          .number()
          .int()
          .refine((level) => level !== 0),
      ],
      'expected 1, 2, …, or -1, -2, …, or all',
    )
    .default(1)
    .describe(
      'Which folder is the label: 1 the one the file lies in, 2 the one above …, -1 the first below the source, ' +
        '-2 the second …, all: one concept for each',
    ),
};

export interface LabelOptions {
  labels: 'none' | 'folder';
  labelLevel: number | 'all';
}

/** An archive's own name is no folder: what is at its root lies in the folder of the archive. */
const ARCHIVE = /\.zip!$/i;

/**
 * The concepts that a file's folders give it; none where the path has no folder at that level.
 *
 * `relativePath` is relative to the source, also inside an archive: `a/x.zip!/b/c.jpg` lies in `b`, which lies in `a`.
 */
export function folderLabels(relativePath: string, { labels, labelLevel }: LabelOptions): Concept[] {
  if (labels === 'none') return [];
  const folders = relativePath
    .split('/')
    .slice(0, -1)
    .filter((name) => name !== '.' && !ARCHIVE.test(name));
  const names = labelLevel === 'all' ? folders : folders.slice(...at(folders.length, labelLevel));
  return [...new Set(names.map((name) => name.normalize('NFC')))].map((name) => ({
    id: name,
    name,
    value: 1,
  }));
}

/** The slice of a list of `length` that holds its element `level`, counted from the end, or from the start if < 0. */
function at(length: number, level: number): [start: number, end: number] {
  const index = level > 0 ? length - level : -level - 1;
  return index < 0 ? [0, 0] : [index, index + 1];
}
