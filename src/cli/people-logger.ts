import type { Logger } from '../model/contracts.ts';
import { printable } from './terminal.ts';

/** More than these make a line that nobody reads; `--debug` shows all. */
const FIELDS_SHOWN = 3;

/** Warnings and errors as one line each, such as `warning: a.csv is not UTF-8 (line 3)`; nothing below. */
export function peopleLogger(print: (line: string) => void): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    print(`${level}: ${printable(message)}${describe(fields)}`);
  return { debug() {}, info() {}, warn: at('warning'), error: at('error') };
}

function describe(fields: object): string {
  const shown = Object.entries(fields)
    .slice(0, FIELDS_SHOWN)
    .map(([name, value]) => `${name} ${printable(textOf(value))}`);
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`;
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
