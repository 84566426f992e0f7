import { asError } from '../../model/errors.ts';
import { SessionLostError } from './session.ts';

/** The engine throws plain errors, which only their texts tell apart. */
const MEMORY =
  /out of memory|failed to allocate memory|bad_alloc|bad allocation|alloc_failed|available memory of .* is smaller than requested|buffer size .* exceeds|\bOOM\b/i;
const LOST =
  /device (?:is |was |has been )?lost|gpu (?:is |was )?lost|device[- ]side assert|unspecified launch failure|illegal memory access|launch timed out|CUDA (?:error|failure) (?:4|7[01]\d|719|999)\b|device removed|device instance .*(?:lost|dropped)/i;
const MODEL = /^load model /i;

/** What became of a call: `lost`: the session is of no use any more; `memory`: fewer items may do. */
export function faultOf(error: unknown): 'lost' | 'memory' | 'other' {
  if (error instanceof SessionLostError) return 'lost';
  const { message } = asError(error);
  if (LOST.test(message)) return 'lost';
  return MEMORY.test(message) ? 'memory' : 'other';
}

/** Whether it is the file that could not be loaded, rather than the device that could not be had. */
export const isModelFault = (error: unknown): boolean =>
  faultOf(error) === 'other' && MODEL.test(asError(error).message);
