import type { Clock } from '../model/contracts.ts';
import { RejectedItemError, type SluiceError } from '../model/errors.ts';
import { ByteBudget } from './byte-budget.ts';

/** A host that answered nothing for so long is not asked again for now … */
const DEAD_AFTER_MS = 30_000;
/** … provided that so many requests in a row failed … */
const DEAD_AFTER_FAILURES = 4;
/** … but for one request in so long, which finds out whether it is back. */
const PROBE_EVERY_MS = 10_000;
/** Hosts that are remembered for their failures. */
const MAX_REMEMBERED = 10_000;

interface Host {
  /** One unit a request. */
  slots: ByteBudget;
  /** Requests that failed on the network since the last answer. */
  failures: number;
  /** When the first of them did, in milliseconds. */
  failingSince: number;
  lastFailure: string;
  nextProbeAt: number;
}

/** A request's place among those to its host. */
export interface Visit {
  /** The host answered, whatever it said. */
  answered(): void;
  /** The network failed. */
  failed(error: SluiceError): void;
  /** Makes room for the next request; once the response has ended. Calling it again is harmless. */
  leave(): void;
}

/**
 * Bounds the requests of a run to one host at once, and remembers which hosts are dead, so that the others need not
 * wait for their time-outs again and again.
 */
export class Hosts {
  readonly #perHost: number;
  readonly #clock: Clock;
  readonly #hosts = new Map<string, Host>();

  constructor(perHost: number, clock: Clock) {
    this.#perHost = perHost;
    this.#clock = clock;
  }

  /**
   * Waits for a place. Throws RejectedItemError URL_FETCH_FAILED, for another attempt now cannot help, when the host is
   * dead; the signal's reason. `shown` names the URL in messages.
   */
  async enter(name: string, shown: string, signal: AbortSignal): Promise<Visit> {
    const host = this.#hostOf(name);
    await host.slots.acquire(1, signal);
    const leave = () => this.#leave(name, host);
    try {
      this.#assertAlive(name, host, shown);
    } catch (error) {
      leave();
      throw error;
    }
    return this.#visit(host, leave);
  }

  #visit(host: Host, leave: () => void): Visit {
    let left = false;
    return {
      answered() {
        host.failures = 0;
      },
      failed: ({ message }) => {
        if (host.failures++ === 0) host.failingSince = this.#clock.now();
        host.lastFailure = message;
        host.nextProbeAt = this.#clock.now() + PROBE_EVERY_MS;
      },
      leave() {
        if (!left) leave();
        left = true;
      },
    };
  }

  #hostOf(name: string): Host {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const host = {
      slots: new ByteBudget(this.#perHost),
      failures: 0,
      failingSince: 0,
      lastFailure: '',
      nextProbeAt: 0,
    };
    this.#hosts.set(name, host);
    return host;
  }

  #assertAlive(name: string, host: Host, shown: string): void {
    const now = this.#clock.now();
    const silentMs = now - host.failingSince;
    if (host.failures < DEAD_AFTER_FAILURES || silentMs < DEAD_AFTER_MS) return;
    if (now >= host.nextProbeAt) {
      host.nextProbeAt = now + PROBE_EVERY_MS;
      return;
    }
    throw new RejectedItemError(
      'URL_FETCH_FAILED',
      `${shown}: not tried, because ${name} answered none of the last ${host.failures} requests in ` +
        `${Math.round(silentMs / 1000)} s (${host.lastFailure})`,
    );
  }

  #leave(name: string, host: Host): void {
    host.slots.release(1);
    if (!isIdle(host)) return;
    if (host.failures === 0) this.#hosts.delete(name);
    else if (this.#hosts.size > MAX_REMEMBERED) this.#forgetOne();
  }

  #forgetOne(): void {
    for (const [name, host] of this.#hosts) {
      if (!isIdle(host)) continue;
      this.#hosts.delete(name);
      return;
    }
  }
}

const isIdle = ({ slots }: Host): boolean => slots.inUse === 0 && slots.waiting === 0;
