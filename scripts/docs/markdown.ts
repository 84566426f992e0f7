/** Says on each generated page that it is one. */
const NOTICE = '<!-- Made by "npm run docs" from the code; change it there. -->';

export const code = (text: string): string => `\`${text}\``;

/** A table with a header; pipes and newlines in cells are escaped. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Parts of a page with an empty line between them. */
export const page = (...parts: readonly string[]): string => `${[NOTICE, ...parts].join('\n\n')}\n`;
