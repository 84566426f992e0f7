import type { Context } from '../../model/contracts.ts';
import type { Device, DeviceReport } from '../../model/embedding.ts';
import { asError, FatalError } from '../../model/errors.ts';
import type { EngineOptions } from '../tower.ts';
import { coresOf, layoutOf, unfit } from './devices.ts';
import { faultOf, isModelFault } from './faults.ts';
import type { Feeds } from './preparation.ts';
import { type OpenSession, type Session, SessionLostError } from './session.ts';
import { Sessions } from './sessions.ts';

export interface PoolParts {
  openSession: OpenSession;
  /** Tries what was opened, and answers how many items a call is to have. Throws the engine's error. */
  tune(sessions: Sessions): Promise<number>;
}

/**
 * A graph on the first device that works. When it stops working there, it is loaded there once more, then on the devices
 * that are left; calls that were under way are made again.
 */
export class Pool {
  readonly #graph: string;
  readonly #options: EngineOptions;
  readonly #ctx: Context;
  readonly #parts: PoolParts;
  readonly #tried: DeviceReport['tried'] = [];
  readonly #restarted = new Set<Device>();
  #sessions!: Sessions;
  #replaced: Sessions | undefined;
  #deviceBatch = 1;
  /** Rejects once no device is left. */
  #ready: Promise<Sessions>;
  #closed = false;

  private constructor(graph: string, options: EngineOptions, ctx: Context, parts: PoolParts) {
    this.#graph = graph;
    this.#options = options;
    this.#ctx = ctx;
    this.#parts = parts;
    this.#ready = this.#openFrom(0, 'DEVICE_UNAVAILABLE');
  }

  /** Throws FatalError MODEL_INVALID, DEVICE_UNAVAILABLE. */
  static async open(graph: string, options: EngineOptions, ctx: Context, parts: PoolParts): Promise<Pool> {
    const pool = new Pool(graph, options, ctx, parts);
    await pool.#ready;
    return pool;
  }

  get device(): DeviceReport {
    const { device, layout } = this.#sessions;
    return {
      asked: [...this.#options.devices],
      tried: [...this.#tried],
      got: device,
      ...layout,
      deviceBatch: this.#deviceBatch,
    };
  }

  get inputs(): Session['inputs'] {
    return this.#sessions.inputs;
  }

  get outputs(): Session['outputs'] {
    return this.#sessions.outputs;
  }

  /** Calls have at most so many items from now on. */
  lowerDeviceBatch(items: number): void {
    this.#deviceBatch = Math.min(this.#deviceBatch, items);
  }

  /** `make` is called again when the call is made again. Throws the engine's error, or FatalError ENGINE_LOST. */
  async run(make: () => Feeds, outputs?: readonly string[]): Promise<Feeds> {
    for (;;) {
      const sessions = await this.#ready;
      try {
        return await sessions.run(make, outputs);
      } catch (error) {
        if (this.#closed || faultOf(error) !== 'lost') throw error;
        this.#replace(sessions, error);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    // What no device is left for has no sessions.
    const sessions = await this.#ready.catch(() => undefined);
    await sessions?.close();
  }

  #replace(sessions: Sessions, error: unknown): void {
    // Other calls of the same sessions fail for the same reason.
    if (sessions === this.#replaced) return;
    this.#replaced = sessions;
    this.#ready = this.#reopen(sessions, asError(error));
    // Whoever waits for it is told; where nobody does, the next one is.
    this.#ready.catch(() => undefined);
  }

  async #reopen(sessions: Sessions, error: Error): Promise<Sessions> {
    const { device } = sessions;
    await sessions.close();
    const again = !this.#restarted.has(device);
    this.#restarted.add(device);
    const told = `stopped while it was in use${again ? ', and was started again' : ''}: ${error.message}`;
    this.#tried.push({ device, error: told });
    this.#ctx.logger.warn({ device, error: error.message }, `the device ${device} ${told}`);
    const place = this.#options.devices.indexOf(device);
    return this.#openFrom(again ? place : place + 1, 'ENGINE_LOST');
  }

  async #openFrom(place: number, code: 'DEVICE_UNAVAILABLE' | 'ENGINE_LOST'): Promise<Sessions> {
    const { devices } = this.#options;
    for (let at = place; at < devices.length && !this.#closed; at++) {
      const device = devices[at]!;
      const why = unfit(device, at);
      const opened = why === undefined ? await this.#tryDevice(device) : why;
      if (opened instanceof Sessions) return opened;
      this.#tried.push({ device, error: opened });
      this.#ctx.logger.debug({ device, error: opened }, `the device ${device} cannot be used`);
    }
    const reasons = this.#tried.map(({ device, error }) => `${device}: ${error}`).join('; ');
    const what = code === 'ENGINE_LOST' ? 'no device is left to compute on' : 'no device can be used';
    throw new FatalError(code, `${what} for ${this.#graph} (${reasons || 'none was named'})`);
  }

  /** Why the device cannot be had is a text. Throws FatalError MODEL_INVALID. */
  async #tryDevice(device: Device): Promise<Sessions | string> {
    const { openSession, tune } = this.#parts;
    let sessions: Sessions | undefined;
    try {
      const layout = layoutOf(device, this.#graph, coresOf(this.#options.cores));
      sessions = await Sessions.open(this.#graph, device, layout, openSession);
      this.#deviceBatch = await tune(sessions);
      if (this.#closed) throw new SessionLostError('the engine was closed');
      this.#sessions = sessions;
      return sessions;
    } catch (error) {
      await sessions?.close();
      this.#ctx.signal.throwIfAborted();
      if (error instanceof FatalError) throw error;
      const { message } = asError(error);
      // The CPU is always there: what it cannot load or compute is the model's fault.
      if (isModelFault(error) || (device === 'cpu' && faultOf(error) === 'other')) {
        const told = `the engine cannot use the model ${this.#graph}: ${message}`;
        throw new FatalError('MODEL_INVALID', told, { cause: error });
      }
      return message;
    }
  }
}
