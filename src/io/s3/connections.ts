import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { asError, FatalError } from '../../model/errors.ts';
import type { S3Options } from './options.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** S3 sends a client that guesses it to the right one. */
const DEFAULT_REGION = 'us-east-1';

interface Connection {
  client: S3Client;
  /** Counts how often the credentials were asked for anew. */
  generation: number;
}

/**
 * The clients of one reader: one for each region that its buckets are in, over the same sockets. All of them ask the
 * SDK's provider chain for credentials, which refreshes those that say when they expire.
 */
export class Connections {
  readonly #config: S3ClientConfig;
  readonly #region: string;
  /** Region of buckets that are not in ours. */
  readonly #regions = new Map<string, string>();
  /** By region. */
  readonly #open = new Map<string, Connection>();
  #generation = 0;

  private constructor(config: S3ClientConfig, first: S3Client, region: string) {
    this.#config = { ...config, requestHandler: first.config.requestHandler };
    this.#region = region;
    this.#open.set(region, { client: first, generation: 0 });
  }

  /** Throws FatalError CONFIG_INVALID. `responseTimeoutMs` bounds the wait for the head of an answer. */
  static async open(options: S3Options, responseTimeoutMs: number): Promise<Connections> {
    const { endpoint, anonymous = false, caFile, pathStyle } = options;
    if (endpoint !== undefined && !/^https?:\/\/[^/]/i.test(endpoint))
      throw new FatalError('CONFIG_INVALID', 'the endpoint of S3 must be an http or https URL');
    const found = new S3Client({});
    try {
      const region = options.region ?? (await found.config.region().catch(() => DEFAULT_REGION));
      const ca = caFile === undefined ? undefined : await readAuthorities(caFile);
      // Credentials in files are read anew each time that the chain is asked, so that a refresh finds what changed.
      const config: S3ClientConfig & { ignoreCache: boolean } = {
        ignoreCache: true,
        ...(endpoint === undefined ? {} : { endpoint }),
        forcePathStyle: pathStyle ?? (endpoint !== undefined || (await isPathStyle(found))),
        // Attempts, throttling and checksums of whole objects over several answers are ours.
        maxAttempts: 1,
        responseChecksumValidation: 'WHEN_REQUIRED',
        requestHandler: {
          connectionTimeout: CONNECT_TIMEOUT_MS,
          requestTimeout: responseTimeoutMs,
          throwOnRequestTimeout: true,
          // Who reads bounds the number; a reader that waits for a socket could wait for itself.
          httpAgent: { maxSockets: Number.POSITIVE_INFINITY },
          httpsAgent: { maxSockets: Number.POSITIVE_INFINITY, ...(ca === undefined ? {} : { ca }) },
        },
        ...(anonymous ? UNSIGNED : {}),
      };
      return new Connections(config, new S3Client({ ...config, region }), region);
    } finally {
      found.destroy();
    }
  }

  of(bucket: string): Connection {
    return this.#at(this.#regions.get(bucket) ?? this.#region);
  }

  /** Asks for the bucket in that region from now on; false when that is where it was asked for. */
  follow(bucket: string, region: string): boolean {
    if ((this.#regions.get(bucket) ?? this.#region) === region) return false;
    this.#regions.set(bucket, region);
    return true;
  }

  regionOf(bucket: string): string {
    return this.#regions.get(bucket) ?? this.#region;
  }

  /** Lets the provider chain look for credentials again, unless that was done since `used` was. */
  renew(used: Connection): void {
    if (used.generation !== this.#generation) return;
    this.#generation++;
    this.#open.clear();
  }

  #at(region: string): Connection {
    const known = this.#open.get(region);
    if (known !== undefined) return known;
    const connection = { client: new S3Client({ ...this.#config, region }), generation: this.#generation };
    this.#open.set(region, connection);
    return connection;
  }

  /** Of our own region, for what has no bucket. */
  get first(): S3Client {
    return this.#at(this.#region).client;
  }

  close(): void {
    // All have the same sockets.
    this.first.destroy();
  }
}

/** Whether the SDK finds an endpoint other than Amazon's: few of those have a host name for every bucket. */
export const isPathStyle = async (client: S3Client): Promise<boolean> =>
  (await client.config.serviceConfiguredEndpoint?.()) !== undefined;

const UNSIGNED: S3ClientConfig = {
  credentials: { accessKeyId: '', secretAccessKey: '' },
  signer: { sign: async (request) => request },
};

async function readAuthorities(file: string): Promise<string[]> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return [...rootCertificates, text];
  } catch (error) {
    throw new FatalError('CONFIG_INVALID', `the CA file ${file} cannot be read: ${asError(error).message}`, {
      cause: error,
    });
  }
  throw new FatalError('CONFIG_INVALID', `the CA file ${file} has no certificate in PEM`);
}
