import type { RunEnvironment } from '../environment.ts';
import { ProgressMeter } from '../progress.ts';
import type { CountedSource } from './counted-source.ts';
import type { ExportLedger } from './export-ledger.ts';

const HEARTBEAT_MS = 1_000;

/** Shows the progress of an export once a second, and at its end. */
export class ExportHeartbeat {
  readonly #source: CountedSource;
  readonly #ledger: ExportLedger;
  readonly #env: RunEnvironment;
  readonly #meter = new ProgressMeter();
  readonly #ended = new AbortController();
  readonly #beating: Promise<void>;

  constructor(source: CountedSource, ledger: ExportLedger, env: RunEnvironment) {
    this.#source = source;
    this.#ledger = ledger;
    this.#env = env;
    this.#beating = this.#beat();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#beating;
    this.#show();
  }

  async #beat(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.#show();
      await this.#env.clock.sleep(HEARTBEAT_MS, this.#ended.signal).catch(() => {});
    }
  }

  #show(): void {
    const { accounts } = this.#ledger;
    this.#ledger.count(this.#source);
    const totals = accounts.totals(false);
    const listing = { done: accounts.listed, total: this.#source.version.metrics.inputsCount };
    this.#env.onProgress?.(
      this.#meter.sample(this.#env.clock.now(), { totals, bytesRead: accounts.bytesExported, listing }),
    );
  }
}
