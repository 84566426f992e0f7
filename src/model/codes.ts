import type { CodeInfo } from './codes/code-info.ts';
import { INDEX_CODES } from './codes/index-codes.ts';
import { ITEM_CODES } from './codes/item-codes.ts';
import { LABEL_CODES } from './codes/label-codes.ts';
import { RUN_CODES } from './codes/run-codes.ts';

export type { CodeInfo } from './codes/code-info.ts';

/**
 * The one table of stable codes.
 *
 * Numbers below 900 000 are the platform's (`clarifai/api/status/status_code.proto`); those from 900 000 on are
 * ours, for what the platform has no code for. A code, once released, keeps its name, number and meaning.
 */
export const CODES = {
  ...ITEM_CODES,
  ...LABEL_CODES,
  ...INDEX_CODES,
  ...RUN_CODES,
} as const satisfies Record<string, CodeInfo>;

export type Code = keyof typeof CODES;

/** The description of a code, under the general type. */
export const codeInfo = (code: Code): CodeInfo => CODES[code];
