import type { Device } from '../../model/embedding.ts';
import type { Layout } from './devices.ts';
import type { Feeds } from './preparation.ts';
import { type OpenSession, type Session, SessionLostError } from './session.ts';

/** Calls that a session is given at once: while one is computed, the next one is there already. */
const DEPTH = 2;

/** The sessions of one device. A call goes to the one with the fewest calls. */
export class Sessions {
  readonly device: Device;
  readonly layout: Layout;
  readonly #sessions: Session[];
  readonly #calls: number[];
  #waiting: (() => void)[] = [];
  #retired = false;

  private constructor(device: Device, layout: Layout, sessions: Session[]) {
    this.device = device;
    this.layout = layout;
    this.#sessions = sessions;
    this.#calls = sessions.map(() => 0);
  }

  /** All or none. Throws the engine's error. */
  static async open(graph: string, device: Device, layout: Layout, open: OpenSession): Promise<Sessions> {
    const spec = { graph, device, threads: layout.threads };
    const opened = await Promise.allSettled(Array.from({ length: layout.sessions }, () => open(spec)));
    const sessions = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failure = opened.find((result) => result.status === 'rejected');
    if (failure === undefined) return new Sessions(device, layout, sessions);
    await Promise.all(sessions.map((session) => session.close()));
    throw failure.reason;
  }

  get inputs(): Session['inputs'] {
    return this.#sessions[0]!.inputs;
  }

  get outputs(): Session['outputs'] {
    return this.#sessions[0]!.outputs;
  }

  /** `make` is called when a session can take the call. Throws the engine's error, or SessionLostError. */
  async run(make: () => Feeds, outputs?: readonly string[]): Promise<Feeds> {
    const at = await this.#take();
    try {
      return await this.#sessions[at]!.run(make(), outputs);
    } finally {
      this.#calls[at]!--;
      this.#waiting.shift()?.();
    }
  }

  /** Calls that wait fail with SessionLostError; those under way may end. */
  async close(): Promise<void> {
    this.#retired = true;
    for (const wake of this.#waiting.splice(0)) wake();
    await Promise.all(this.#sessions.map((session) => session.close()));
  }

  async #take(): Promise<number> {
    for (;;) {
      if (this.#retired) throw new SessionLostError('the sessions were closed');
      const fewest = Math.min(...this.#calls);
      if (fewest < DEPTH) {
        const at = this.#calls.indexOf(fewest);
        this.#calls[at]!++;
        return at;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
