import { createReadStream, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { statFingerprint } from '../../io/fingerprint.ts';
import { asError, FatalError } from '../../model/errors.ts';
import { CocoIndex, type OnImage, type Place } from './coco-index.ts';
import { elementsOf } from './element-json.ts';
import { BrokenJson, type ReadOn } from './list-scanner.ts';
import { isSpace } from './value-scanner.ts';

/** Elements that lie closer together than this are read with one call. */
const GAP_BYTES = 16 * 1024;
const READ_BYTES = 1024 * 1024;
const SMALL_BYTES = 64 * 1024;
const COMMA = 0x2c;
const READS_AT_ONCE = 16;

/** The file is JSON, but not COCO, or of a kind of COCO that is not read. */
export class UnfitCocoError extends FatalError {}

/**
 * A COCO file that was read once for its index and stays open, so that the annotations of one image at a time can be
 * read again.
 */
export class CocoFile {
  readonly index: CocoIndex;
  /** As messages name it. */
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #fingerprint: string;
  /** The whole file, if it is small. */
  readonly #whole: Buffer | undefined;
  #scratch: Buffer | undefined;

  private constructor(
    name: string,
    handle: FileHandle,
    fingerprint: string,
    whole: Buffer | undefined,
    index: CocoIndex,
  ) {
    this.name = name;
    this.#handle = handle;
    this.#fingerprint = fingerprint;
    this.#whole = whole;
    this.index = index;
  }

  /** Bytes held in memory. */
  get heldBytes(): number {
    return this.#whole?.length ?? 0;
  }

  /**
   * Opens and indexes a file. One of at most `holdBytes` is kept in memory. Throws FatalError SOURCE_NOT_FOUND, or
   * LABELS_UNREADABLE naming line and column; the signal's reason.
   */
  static async open(
    path: string,
    name: string,
    options: { holdBytes: number; onImage: OnImage; signal: AbortSignal },
  ): Promise<CocoFile> {
    const handle = await open(path).catch((error: unknown) => {
      throw new FatalError(
        'SOURCE_NOT_FOUND',
        `the label file ${path} cannot be opened: ${asError(error).message}`,
        { cause: error },
      );
    });
    try {
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw new FatalError('LABELS_UNREADABLE', `${name} is not a regular file`);
      const whole = stats.size <= options.holdBytes ? Buffer.alloc(Number(stats.size)) : undefined;
      if (whole !== undefined) await fill(handle, whole, 0);
      const index = new CocoIndex();
      const missing = await index.read(
        whole === undefined ? readOn(handle) : readFrom(whole),
        options.onImage,
        options.signal,
      );
      const lacks = missing.length > 0 ? `it has no list of ${missing.join(' and of ')}` : undefined;
      const panoptic = index.panoptic
        ? 'panoptic segmentation, with its segments in PNG files, is not read'
        : undefined;
      const reason = lacks ?? panoptic;
      if (reason !== undefined)
        throw new UnfitCocoError('LABELS_UNREADABLE', `${name} is no COCO file of objects: ${reason}`);
      return new CocoFile(name, handle, statFingerprint(stats), whole, index);
    } catch (error) {
      await handle.close();
      if (error instanceof BrokenJson) throw await unreadable(path, name, error);
      throw error;
    }
  }

  /** The elements at these places, which ascend; the SyntaxError of one that is no JSON. */
  async read(places: readonly Place[]): Promise<unknown[]> {
    if (this.#whole !== undefined) return parse(this.#whole, 0, places);
    const groups = together(places);
    const values: unknown[][] = [];
    for (let at = 0; at < groups.length; at += READS_AT_ONCE) {
      const some = groups.slice(at, at + READS_AT_ONCE);
      values.push(...(await Promise.all(some.map(async (group) => this.#readGroup(group)))));
    }
    return values.flat();
  }

  /** Throws FatalError LABELS_UNREADABLE when the file is no longer as it was when it was indexed. */
  async assertUnchanged(): Promise<void> {
    if (statFingerprint(await this.#handle.stat({ bigint: true })) !== this.#fingerprint)
      throw new FatalError('LABELS_UNREADABLE', `${this.name} was changed while it was read`);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #readGroup(group: readonly Place[]): unknown[] | Promise<unknown[]> {
    const start = group[0]!.offset;
    const length = endOf(group.at(-1)!) - start;
    // What was just indexed is in the system's cache, where a small read takes less than to hand it to a thread.
    if (length > SMALL_BYTES) return this.#readLarge(group, start, length);
    this.#scratch ??= Buffer.alloc(SMALL_BYTES);
    const bytes = this.#scratch.subarray(0, length);
    if (!fillSync(this.#handle.fd, bytes, start)) throw this.#shortened();
    return parse(bytes, start, group);
  }

  async #readLarge(group: readonly Place[], start: number, length: number): Promise<unknown[]> {
    const bytes = Buffer.allocUnsafe(length);
    if (!(await fill(this.#handle, bytes, start))) throw this.#shortened();
    return parse(bytes, start, group);
  }

  #shortened(): FatalError {
    return new FatalError('LABELS_UNREADABLE', `${this.name} was shortened while it was read`);
  }
}

/** The elements at places of a file of which `bytes` begin at `start`. */
function parse(bytes: Buffer, start: number, places: readonly Place[]): unknown[] {
  const text = (from: number, to: number): string => bytes.toString('utf8', from - start, to - start);
  const one = (i: number): string => text(places[i]!.offset, endOf(places[i]!));
  // Nothing but a comma and space between the two, so that both are cut out and parsed as one.
  const areNeighbours = (i: number): boolean => {
    const to = places[i + 1]!.offset - start;
    let commas = 0;
    for (let at = endOf(places[i]!) - start; at < to; at++) {
      if (bytes[at] === COMMA) commas++;
      else if (!isSpace(bytes[at]!)) return false;
    }
    return commas === 1;
  };
  const neighbours: string[] = [];
  for (let first = 0; first < places.length; ) {
    let last = first;
    while (last + 1 < places.length && areNeighbours(last)) last++;
    neighbours.push(text(places[first]!.offset, endOf(places[last]!)));
    first = last + 1;
  }
  return elementsOf(neighbours.join(','), places.length, one);
}

const endOf = ({ offset, length }: Place): number => offset + length;

/** Places in groups that are read with one call each. */
function together(places: readonly Place[]): Place[][] {
  const groups: Place[][] = [];
  let group: Place[] = [];
  for (const place of places) {
    const first = group[0];
    const last = group.at(-1);
    const fits =
      first !== undefined &&
      last !== undefined &&
      place.offset - last.offset - last.length <= GAP_BYTES &&
      place.offset + place.length - first.offset <= READ_BYTES;
    if (!fits) {
      group = [];
      groups.push(group);
    }
    group.push(place);
  }
  return groups;
}

/** False when the file ends before that. */
async function fill(handle: FileHandle, bytes: Buffer, position: number): Promise<boolean> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

function fillSync(fd: number, bytes: Buffer, position: number): boolean {
  for (let filled = 0; filled < bytes.length; ) {
    const bytesRead = readSync(fd, bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

function readOn(handle: FileHandle): ReadOn {
  return async (into) => (await handle.read(into, 0, into.length, null)).bytesRead;
}

function readFrom(whole: Buffer): ReadOn {
  let at = 0;
  return async (into) => {
    const copied = whole.copy(into, 0, at);
    at += copied;
    return copied;
  };
}

/** Says where the file is broken, for people: the line, and the column in bytes, from 1. */
async function unreadable(path: string, name: string, { message, offset }: BrokenJson): Promise<FatalError> {
  let line = 1;
  let lineStart = 0;
  let at = 0;
  for await (const chunk of createReadStream(path, {
    end: Math.max(0, offset - 1),
  }) as AsyncIterable<Buffer>) {
    for (
      let found = chunk.indexOf(10);
      found !== -1 && at + found < offset;
      found = chunk.indexOf(10, found + 1)
    ) {
      line++;
      lineStart = at + found + 1;
    }
    at += chunk.length;
  }
  return new FatalError(
    'LABELS_UNREADABLE',
    `${name} cannot be read: line ${line}, column ${offset - lineStart + 1} (byte ${offset}): ${message}`,
  );
}
