/** What a code means, to whom it belongs and what can be done about it. */
export interface CodeInfo {
  readonly number: number;
  /** Which result the code belongs to: an item's outcome, a warning beside one, or the end of a run. */
  readonly class: 'ok' | 'skipped' | 'rejected' | 'failed' | 'warning' | 'fatal';
  /** Whether the same item may succeed when simply tried again. */
  readonly retryable: boolean;
  readonly meaning: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

export const ok = (number: number, meaning: string): CodeInfo => ({
  number,
  class: 'ok',
  retryable: false,
  meaning,
  remedy: 'Nothing to do.',
});
export const skipped = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'skipped',
  retryable: false,
  meaning,
  remedy,
});
export const rejected = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'rejected',
  retryable: false,
  meaning,
  remedy,
});
export const failed = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'failed',
  retryable: true,
  meaning,
  remedy,
});
export const warning = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'warning',
  retryable: false,
  meaning,
  remedy,
});
export const fatal = (number: number, meaning: string, remedy: string): CodeInfo => ({
  number,
  class: 'fatal',
  retryable: true,
  meaning,
  remedy,
});
