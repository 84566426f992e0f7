import type { Clock } from '../../model/contracts.ts';

/** How a bucket is reached. Whatever is not given, the SDK finds: environment, profile, role. */
export interface S3Options {
  /** URL of a server other than Amazon's. */
  endpoint?: string;
  region?: string;
  /** Bucket in the path of URLs, not in their host name; as a rule for endpoints other than Amazon's. */
  pathStyle?: boolean;
  /** The account of the credentials pays for requests to buckets that want that. */
  requesterPays?: boolean;
  /** Requests are not signed; for public buckets. */
  anonymous?: boolean;
  /** File of certificate authorities in PEM, trusted beside the usual ones. */
  caFile?: string;
}

/** What tests shorten. */
export interface S3Timing {
  clock?: Clock;
  /** Attempts of one request or body, the first included; 5 unless given. */
  attempts?: number;
  /** Upper bound of the first wait between attempts; 250 unless given. */
  retryBaseMs?: number;
  /** Without an answer, or within a body without a byte, for so long, the connection counts as broken; 30 000 unless given. */
  stallTimeoutMs?: number;
  /** Time to wait on throttling in all, before one request gives up; 10 minutes unless given. */
  patienceMs?: number;
}

/** An object of a bucket. */
export interface ObjectName {
  bucket: string;
  key: string;
}

/** What a listing says of an object. */
export interface S3Object {
  key: string;
  /** Bytes. */
  size: number;
  /** As the server writes it, with its quotes; empty where it has none. */
  etag: string;
  storageClass?: string;
  modifiedAt?: Date;
}
