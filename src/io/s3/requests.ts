import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../model/contracts.ts';
import { FatalError, type SluiceError } from '../../model/errors.ts';
import { systemClock } from '../clock.ts';
import { Backoff } from '../retry.ts';
import { Aimd } from './aimd.ts';
import { Connections } from './connections.ts';
import type { S3Options, S3Timing } from './options.ts';
import { type Asked, readFailure } from './read-errors.ts';
import { hasNoCredentials, isThrottling, mayBeExpired, otherRegionOf, type Thrown } from './thrown.ts';

const MIN_THROTTLE_WAIT_MS = 250;
const MAX_THROTTLE_WAIT_MS = 8_000;
const DEFAULT_STALL_MS = 30_000;

/** What is asked for, for messages. */
export type Target = Pick<Asked, 'operation' | 'bucket' | 'key'>;

/**
 * Sends the requests of one reader: bounded together, tried again, in the bucket's region, with credentials that are
 * asked for anew when they have expired.
 */
export class Requests {
  readonly stallTimeoutMs: number;
  readonly requesterPays: boolean;
  readonly #anonymous: boolean;
  readonly #connections: Connections;
  readonly #timing: S3Timing;
  readonly #clock: Clock;
  readonly #aimd = new Aimd();
  /** Ends everything under way when the reader is closed. */
  readonly #closing = new AbortController();

  private constructor(connections: Connections, options: S3Options, timing: S3Timing) {
    this.#connections = connections;
    this.#timing = timing;
    this.#clock = timing.clock ?? systemClock;
    this.stallTimeoutMs = timing.stallTimeoutMs ?? DEFAULT_STALL_MS;
    this.requesterPays = options.requesterPays ?? false;
    this.#anonymous = options.anonymous ?? false;
  }

  /** Throws FatalError CONFIG_INVALID. */
  static async open(options: S3Options, timing: S3Timing): Promise<Requests> {
    const connections = await Connections.open(options, timing.stallTimeoutMs ?? DEFAULT_STALL_MS);
    return new Requests(connections, options, timing);
  }

  /** Aborted when the reader is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Where a bucket is, as far as answers have told. */
  regionOf(bucket: string): string {
    return this.#connections.regionOf(bucket);
  }

  /** The wait between attempts of a piece of work. */
  backoff(signal: AbortSignal): Backoff {
    const { attempts = 5, retryBaseMs = 250, patienceMs } = this.#timing;
    return new Backoff({
      attempts,
      baseMs: retryBaseMs,
      maxMs: 20_000,
      ...(patienceMs === undefined ? {} : { patienceMs }),
      clock: this.#clock,
      signal,
    });
  }

  /** Sends until it succeeds; throws as `once` does, saying how often it was tried. */
  async send<T>(target: Target, signal: AbortSignal, request: (client: S3Client) => Promise<T>): Promise<T> {
    const backoff = this.backoff(signal);
    for (;;) {
      try {
        return await this.once(target, signal, request);
      } catch (error) {
        await backoff.after(error);
      }
    }
  }

  /** One attempt. Throws what the failure means (`readFailure`), or the signal's reason. */
  async once<T>(target: Target, signal: AbortSignal, request: (client: S3Client) => Promise<T>): Promise<T> {
    // Each cure is tried once: another region, other credentials.
    const cured = new Set<'region' | 'credentials'>();
    for (;;) {
      const connection = this.#connections.of(target.bucket);
      const permit = await this.#aimd.acquire(signal);
      try {
        const answer = await request(connection.client);
        permit.succeeded();
        return answer;
      } catch (thrown) {
        const error = thrown as Thrown;
        if (isThrottling(error)) permit.throttled();
        else permit.ended();
        signal.throwIfAborted();
        const region = otherRegionOf(error);
        if (region !== undefined && !cured.has('region') && this.#connections.follow(target.bucket, region)) {
          cured.add('region');
          continue;
        }
        if (mayBeExpired(error) && !this.#anonymous && !cured.has('credentials')) {
          this.#connections.renew(connection);
          cured.add('credentials');
          continue;
        }
        throw await this.failure(thrown, target);
      }
    }
  }

  /** What went wrong with a request or the body of its answer. */
  async failure(thrown: unknown, target: Target): Promise<SluiceError> {
    return readFailure(thrown, {
      ...target,
      identity: await this.identity().catch(() => 'unknown credentials'),
      region: this.#connections.regionOf(target.bucket),
      now: this.#clock.now(),
      throttleWaitMs: Math.min(
        MAX_THROTTLE_WAIT_MS,
        MIN_THROTTLE_WAIT_MS * 2 ** Math.min(9, this.#aimd.throttledInARow),
      ),
    });
  }

  /** Who asks, without any secret. Throws FatalError SOURCE_ACCESS_DENIED when there are no credentials. */
  async identity(): Promise<string> {
    if (this.#anonymous) return 'nobody (anonymous requests)';
    try {
      const { accessKeyId, sessionToken, accountId } = await this.#connections.first.config.credentials();
      const kind = sessionToken === undefined ? 'the access key' : 'the temporary access key';
      return `${kind} …${accessKeyId.slice(-4)}${accountId === undefined ? '' : ` of account ${accountId}`}`;
    } catch (error) {
      if (!hasNoCredentials(error as Thrown)) throw error;
      throw new FatalError(
        'SOURCE_ACCESS_DENIED',
        'there are no credentials for S3; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or read a public bucket with --anonymous',
        { cause: error },
      );
    }
  }

  close(): void {
    this.#closing.abort(new Error('the S3 reader was closed'));
    this.#connections.close();
  }
}
