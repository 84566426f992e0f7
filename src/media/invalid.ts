import { type ErrorDetails, RejectedItemError } from '../model/errors.ts';

/** The outcome of bytes that are not what they claim: truncated, corrupt, empty or not decodable. */
export const invalidBytes = (message: string, details: ErrorDetails = {}): RejectedItemError =>
  new RejectedItemError('ALL_INPUT_INVALID_BYTES', message, details);

/** The outcome of a file that claims `limit` bytes and has `measured`. */
export const truncated = (what: string, measured: number, limit: number): RejectedItemError =>
  invalidBytes(`${what} is truncated: it claims ${limit} bytes and has ${measured}`, { measured, limit });
