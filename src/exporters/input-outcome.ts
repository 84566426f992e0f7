import type { Code } from '../model/codes.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { Converted } from '../model/export.ts';
import type { Input } from '../model/input.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';

/** What became of an input in an export; its annotations share it. */
export function inputOutcome(
  { id, uri, sha256, kind, bytes, annotations }: Input,
  code: Code,
  rest: Pick<Outcome, 'message' | 'measured' | 'limit'> = {},
): Outcome {
  const good = annotations.length;
  return outcomeOf(uri, 'export', code, {
    ...{ inputId: id, sha256, kind, bytes, ...rest },
    ...(good === 0 ? {} : { annotations: { good } }),
  });
}

/** What became of an input whose media were converted: what is in the export, and what it was made of. */
export const convertedOutcome = (
  outcome: Outcome,
  { sha256, bytes, repair }: Pick<Converted, 'sha256' | 'bytes' | 'repair'>,
): Outcome => ({ ...outcome, sha256, bytes, repair, warnings: ['REPAIRED'] });

/** The outcome of an input whose bytes could not be had. Throws what is no fault of the input. */
export function failedOutcome(input: Input, error: unknown): Outcome {
  if (!(error instanceof RejectedItemError)) throw error;
  const { code, message, measured, limit } = error;
  return inputOutcome(input, code, {
    message,
    ...(measured === undefined ? {} : { measured }),
    ...(limit === undefined ? {} : { limit }),
  });
}
