import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { JsonlWriter, readJsonlBlocks } from '../../io/jsonl.ts';
import type { Clock } from '../../model/contracts.ts';
import type { Outcome } from '../../model/outcome.ts';
import { compareUtf8 } from '../../stores/local/id-order.ts';
import { Accounts } from '../accounts.ts';
import { Ledger } from '../ledger.ts';
import type { RunFolder } from '../run-folder.ts';
import type { CountedSource } from './counted-source.ts';

/**
 * The ledger of an export. One that goes on after a kill keeps the lines of inputs before the first one that the
 * exporter takes up again, whose id is known only from its outcome; the lines from there on are cut.
 */
export class ExportLedger {
  readonly accounts = new Accounts();
  readonly #folder: RunFolder;
  readonly #clock: Clock;
  #ledger: Ledger | undefined;
  /** Of the kept lines: inputs, and their annotations, that the source is not asked for again. */
  readonly #before = { inputs: 0, annotations: 0 };

  constructor(folder: RunFolder, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#ledger !== undefined;
  }

  /** Keeps the earlier lines of inputs before `from`, or all of them, and counts them. */
  async open(from: string | undefined, { began }: CountedSource): Promise<void> {
    const isListedAgain = (id: string) =>
      began !== undefined && (began.after === undefined || compareUtf8(id, began.after) > 0);
    const keeps = ({ inputId = '' }: Outcome) => from === undefined || compareUtf8(inputId, from) < 0;
    await this.#cut(this.#folder.failures, 'failures', keeps);
    await this.#cut(this.#folder.ledger, 'ledger', keeps, (line) => {
      this.accounts.countOutcome(line);
      if (isListedAgain(line.inputId ?? '')) return;
      this.#before.inputs++;
      this.#before.annotations += line.annotations?.good ?? 0;
    });
    this.#ledger = new Ledger(this.#folder, this.accounts, this.#clock);
  }

  /** Brings `listed` up to what the source has counted. */
  count({ listed, annotations }: CountedSource): void {
    this.accounts.listed = this.#before.inputs + listed;
    this.accounts.annotations.listed = this.#before.annotations + annotations;
  }

  append(outcome: Outcome): void {
    this.#ledger!.append(outcome);
  }

  async sync(): Promise<void> {
    await this.#ledger?.sync();
  }

  async close(): Promise<void> {
    await this.#ledger?.close();
  }

  async #cut(
    path: string,
    type: string,
    keeps: (line: Outcome) => boolean,
    onKept?: (line: Outcome) => void,
  ): Promise<void> {
    if (!existsSync(path)) return;
    const part = `${path}.part`;
    await rm(part, { force: true });
    const kept = new JsonlWriter(part, type);
    try {
      for await (const block of readJsonlBlocks<Outcome>(path, { type })) {
        for (const line of block.filter(keeps)) {
          kept.append(line);
          onKept?.(line);
        }
      }
      await kept.flush({ sync: true });
    } finally {
      kept.close();
    }
    await rename(part, path);
  }
}
