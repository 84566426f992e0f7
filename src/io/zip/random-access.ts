/**
 * Bytes that can be read at any place: a local file, later an object read by ranges.
 *
 * It is open while somebody holds it. `acquire` opens it again when nobody did, so that an entry can be read long
 * after the listing that found it has ended; each `acquire` needs one `release`.
 */
export interface RandomAccess {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Changes when the content may have changed. */
  readonly fingerprint: string;
  /** Throws RetryableError INPUT_CHANGED_WHILE_READ when it is no longer what was opened first. */
  acquire(): Promise<void>;
  release(): Promise<void>;
  /** Exactly `length` bytes; throws RetryableError INPUT_READ_FAILED when there are fewer. */
  read(offset: number, length: number): Promise<Buffer>;
  /** The bytes from `start` up to and without `end`. */
  stream(start: number, end: number): AsyncIterable<Buffer>;
  /** Whether the content may differ from what was opened first. */
  changed(): Promise<boolean>;
}
