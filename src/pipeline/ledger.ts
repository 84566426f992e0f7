import { JsonlWriter } from '../io/jsonl.ts';
import { codeInfo } from '../model/codes.ts';
import type { Clock } from '../model/contracts.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Accounts } from './accounts.ts';
import type { RunFolder } from './run-folder.ts';

/** Takes the final outcome of each item. */
export interface OutcomeLog {
  append(outcome: Outcome): void;
  /** Makes all lines so far durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The ledger of a run on disk, counted into `accounts` line by line: `ledger.jsonl` has one final line per item,
 * `failures.jsonl` repeats the lines that want another try, with what helps to look into them.
 */
export class Ledger implements OutcomeLog {
  readonly #ledger: JsonlWriter;
  readonly #failures: JsonlWriter;
  readonly #accounts: Accounts;
  readonly #clock: Clock;
  #now = Number.NaN;
  #at = '';

  constructor(folder: RunFolder, accounts: Accounts, clock: Clock) {
    this.#ledger = new JsonlWriter(folder.ledger, 'ledger');
    this.#failures = new JsonlWriter(folder.failures, 'failures');
    this.#accounts = accounts;
    this.#clock = clock;
  }

  append(outcome: Outcome): void {
    const codeNumber = codeInfo(outcome.code).number;
    const entry = { ...outcome, record: undefined, codeNumber, at: this.#timestamp() };
    this.#ledger.append(entry);
    if (isFailure(outcome)) this.#failures.append({ ...entry, record: outcome.record });
    this.#accounts.countOutcome(outcome);
  }

  /** Made once a millisecond, not once an item. */
  #timestamp(): string {
    const now = this.#clock.now();
    if (now !== this.#now) {
      this.#now = now;
      this.#at = new Date(now).toISOString();
    }
    return this.#at;
  }

  async sync(): Promise<void> {
    await this.#failures.flush({ sync: true });
    await this.#ledger.flush({ sync: true });
  }

  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      this.#failures.close();
      this.#ledger.close();
    }
  }
}

export const isFailure = (line: Outcome): boolean => line.outcome === 'rejected' || line.outcome === 'failed';

/** Counts only: the dry run writes nothing. */
export class CountingLog implements OutcomeLog {
  readonly #accounts: Accounts;
  readonly #onOutcome: ((outcome: Outcome) => void) | undefined;

  constructor(accounts: Accounts, onOutcome?: (outcome: Outcome) => void) {
    this.#accounts = accounts;
    this.#onOutcome = onOutcome;
  }

  append(outcome: Outcome): void {
    this.#accounts.countOutcome(outcome);
    this.#onOutcome?.(outcome);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}
}
