import { existsSync } from 'node:fs';
import { readJsonlBlocks } from '../../io/jsonl.ts';
import { KeyTable } from '../../io/key-table.ts';
import type { Clock } from '../../model/contracts.ts';
import type { Input } from '../../model/input.ts';
import { type Outcome, outcomeOf } from '../../model/outcome.ts';
import { Accounts } from '../accounts.ts';
import { Ledger } from '../ledger.ts';
import { restoreFromLedger } from '../ledger-state.ts';
import type { RunFolder } from '../run-folder.ts';
import type { Indexed } from './indexer.ts';

/**
 * The ledger of a re-index: one line for each input as it was embedded. An input whose bytes are replaced meanwhile is
 * listed once more, with a uri of its own. In flat memory.
 */
export class ReindexLedger {
  readonly accounts = new Accounts();
  readonly #ledger: Ledger;
  /** Inputs with the content that has a line. */
  readonly #done = new KeyTable({ values: false });
  /** How many lines an id has. */
  readonly #lines = new KeyTable();

  private constructor(ledger: (accounts: Accounts) => Ledger) {
    this.#ledger = ledger(this.accounts);
  }

  /** With the lines that there are already, which a kill may have cut short. */
  static async open(folder: RunFolder, clock: Clock): Promise<ReindexLedger> {
    const ledger = new ReindexLedger((accounts) => new Ledger(folder, accounts, clock));
    // Ids are unique in a store, so none is compared.
    const seen = { firstUse: () => undefined };
    await restoreFromLedger(folder, ledger.accounts, seen, 'uri');
    if (!existsSync(folder.ledger)) return ledger;
    for await (const block of readJsonlBlocks<Outcome>(folder.ledger, { type: 'ledger' })) {
      for (const { inputId = '', fingerprint = '' } of block) ledger.#note(inputId, fingerprint);
    }
    return ledger;
  }

  /** Whether the input has a line as it is now. */
  has(inputId: string, content: string): boolean {
    return this.#done.has(keyOf(inputId, content));
  }

  /** Counts an input as listed; its line follows. */
  list(): void {
    this.accounts.listed++;
  }

  append(input: Input, content: string, { code, message }: Indexed): void {
    const { id, sha256, kind, bytes } = input;
    const nth = this.#note(id, content);
    this.#ledger.append(
      outcomeOf(nth === 1 ? id : `${id}#${nth}`, 'index', code, {
        inputId: id,
        sha256,
        fingerprint: content,
        kind,
        bytes,
        ...(message === undefined ? {} : { message }),
      }),
    );
  }

  /** The line of an input that was asked for and is not there. */
  appendMissing(id: string): void {
    this.#note(id, '');
    const message = `there is no input ${id}; it was removed since`;
    this.#ledger.append(outcomeOf(id, 'index', 'INPUT_NOT_FOUND', { inputId: id, message }));
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }

  #note(inputId: string, content: string): number {
    this.#done.set(keyOf(inputId, content));
    const nth = (this.#lines.get(inputId) ?? 0) + 1;
    this.#lines.set(inputId, nth);
    return nth;
  }
}

const keyOf = (inputId: string, content: string): string => `${content}:${inputId}`;
