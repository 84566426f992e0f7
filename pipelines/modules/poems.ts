/**
 * A loader of your own: each verse of the poems in examples/texts/poems is an item.
 *
 * A generator is all that is needed. Each item says what it is called (`uri`), and one of `text`, `file`, `url` and
 * `open` gives its content; labels are optional.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Given {
  options: { folder?: string };
  /** The folder of this module. */
  base: string;
}

export default async function* verses({ options, base }: Given) {
  const folder = join(base, options.folder ?? '../../examples/texts/poems');
  for (const name of (await readdir(folder)).sort()) {
    const poem = name.replace(/\.txt$/, '');
    const lines = (await readFile(join(folder, name), 'utf8'))
      .split('\n')
      .filter((line) => line.trim() !== '');
    for (const [index, text] of lines.entries()) {
      yield {
        uri: `${poem}/${index + 1}.txt`,
        text,
        concepts: [{ id: poem }],
        metadata: { line: index + 1 },
      };
    }
  }
}
