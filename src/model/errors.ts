import { type Code, codeInfo } from './codes.ts';

export interface ErrorDetails {
  cause?: unknown;
  /** What was measured, in the unit of `limit`. */
  measured?: number | string;
  limit?: number | string;
}

/** Base of every error that Sluice raises: a stable code, a sentence, and the cause. */
export abstract class SluiceError extends Error {
  readonly code: Code;
  readonly measured: number | string | undefined;
  readonly limit: number | string | undefined;

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.measured = details.measured;
    this.limit = details.limit;
  }

  /** The platform's or our number of the code. */
  get codeNumber(): number {
    return codeInfo(this.code).number;
  }
}

/** The item is not acceptable; trying again cannot help. */
export class RejectedItemError extends SluiceError {}

/** The attempt failed; another one may succeed. Counts as an attempt. */
export class RetryableError extends SluiceError {}

/** The other side asks for less; wait `retryAfterMs` and try again. Costs no attempt. */
export class ThrottledError extends SluiceError {
  readonly retryAfterMs: number;

  constructor(code: Code, message: string, retryAfterMs: number, details: ErrorDetails = {}) {
    super(code, message, details);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The run cannot go on; what has no outcome yet stays resumable. */
export class FatalError extends SluiceError {}

/** Makes an Error of anything that was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
