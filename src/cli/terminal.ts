import type { Writable } from 'node:stream';
import { printable } from '../pipeline/wording.ts';

export { formatBytes, formatCount, formatDuration, printable, quoted } from '../pipeline/wording.ts';

/** What the commands may touch of the outside; tests hand in their own. */
export interface Terminal {
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean; columns?: number };
  env: Record<string, string | undefined>;
  cwd: string;
}

/** What the commands share: the terminal, and where they leave the exit code. */
export interface Cli {
  terminal: Terminal;
  exitCode: number;
}

/** The same of a text whose line breaks are our own. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** Left-aligned columns, numbers right-aligned; nothing of no rows. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const numeric = widths.map((_, column) => rows.slice(1).every((row) => /^[\d ]*$/.test(row[column]!)));
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          numeric[i] && rows.length > 1 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
