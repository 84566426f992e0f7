import { formatInfo } from '../../media/formats.ts';
import type { Input } from '../../model/input.ts';
import { entryKey } from '../entry-key.ts';

/** A file of a sample that is made here, not copied. */
export interface SampleText {
  name: string;
  content: Buffer;
}

/** The name of a sample's file; what follows the first dot tells the reader what it is. */
const fileName = ({ id }: Input, extension: string): string => `${entryKey(id)}.${extension}`;

/** The extension of a format, which WebDataset's decoders go by; `bin` for what none is known of. */
export const mediaName = (input: Input): string =>
  fileName(input, formatInfo(input.media.format)?.extensions[0] ?? 'bin');

/**
 * The texts of a sample: `.txt` of an input with a text, `.cls` with the number of its only present concept where
 * `classes` has it, and `.json` with all else that is known.
 */
export function sampleTexts(input: Input, classes: ReadonlyMap<string, number> | undefined): SampleText[] {
  const { text, datasets: _, ...labels } = input;
  const label = classes === undefined ? undefined : classOf(input, classes);
  return [
    ...(text === undefined ? [] : [{ name: fileName(input, 'txt'), content: Buffer.from(text) }]),
    ...(label === undefined ? [] : [{ name: fileName(input, 'cls'), content: Buffer.from(String(label)) }]),
    { name: fileName(input, 'json'), content: Buffer.from(JSON.stringify(labels)) },
  ];
}

/** Undefined for an input without a present concept, or with several. */
function classOf({ concepts }: Input, classes: ReadonlyMap<string, number>): number | undefined {
  const present = concepts.filter(({ value }) => value > 0);
  return present.length === 1 ? classes.get(present[0]!.id) : undefined;
}
