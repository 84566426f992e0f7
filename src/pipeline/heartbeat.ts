import type { RunEnvironment } from './environment.ts';
import { type ProgressInput, ProgressMeter } from './progress.ts';

const HEARTBEAT_MS = 1_000;

/** Shows the progress of a run once a second and at its end, and saves what a kill would lose. */
export class Heartbeat {
  readonly #env: RunEnvironment;
  readonly #progress: () => ProgressInput;
  readonly #save: (() => Promise<void>) | undefined;
  readonly #meter = new ProgressMeter();
  readonly #ended = new AbortController();
  readonly #beating: Promise<void>;

  constructor(env: RunEnvironment, progress: () => ProgressInput, save?: () => Promise<void>) {
    this.#env = env;
    this.#progress = progress;
    this.#save = save;
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
      await this.#save?.();
    }
  }

  #show(): void {
    this.#env.onProgress?.(this.#meter.sample(this.#env.clock.now(), this.#progress()));
  }
}
