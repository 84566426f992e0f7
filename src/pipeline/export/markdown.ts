import { printable } from '../wording.ts';

/** Characters that Markdown or HTML would read as more than text. */
const SPECIAL = /[\\`*_{}[\]<>|#~!&]/g;

/** A name from a dataset as plain text on one line of Markdown. */
export const plain = (text: string): string =>
  printable(text).replace(SPECIAL, (character) => (character === '&' ? '&amp;' : `\\${character}`));

/** As code, whatever backticks it holds. */
export function code(text: string): string {
  const shown = printable(text);
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${shown}${fence}` : `${fence} ${shown} ${fence}`;
}

/** Cells must be escaped already. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
