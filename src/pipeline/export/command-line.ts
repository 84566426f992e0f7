import { basename } from 'node:path';
import type { ExportConfig } from '../config.ts';
import { quoted } from '../wording.ts';

const kebab = (field: string): string => field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * The command line that makes an export again, for its card. The place is named by its last part alone: a card is
 * published, and paths of this machine are nobody's business.
 */
export function exportCommand(
  dataset: string,
  { version, format, options, out }: ExportConfig,
  defaults: Readonly<Record<string, unknown>>,
): string {
  const flags = Object.entries(options)
    .filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(defaults[field]))
    .flatMap(([field, value]) => flagsOf(`--${kebab(field)}`, value));
  const what = quoted(`${dataset}@${version}`);
  return ['sluice export', what, '--format', format, '--out', quoted(basename(out)), ...flags].join(' ');
}

/** As the command line spells an option: see cli/flags.ts. */
function flagsOf(flag: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (value === true) return [flag];
  if (value === false) return [`--no-${flag.slice(2)}`];
  if (Array.isArray(value)) return value.flatMap((each) => flagsOf(flag, each));
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return [flag, quoted(text)];
}
