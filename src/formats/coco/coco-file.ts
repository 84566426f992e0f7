import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { statFingerprint } from '../../io/fingerprint.ts';
import { asError, FatalError } from '../../model/errors.ts';
import { CocoIndex, type OnImage, type Place } from './coco-index.ts';
import { BrokenJson, type ReadOn } from './list-scanner.ts';

/** Elements that lie closer together than this are read with one call. */
const GAP_BYTES = 16 * 1024;
const READ_BYTES = 1024 * 1024;
const READS_AT_ONCE = 16;

/** The file is JSON, but has not the lists that COCO has. */
export class NotCocoError extends FatalError {}

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
      const whole = stats.size <= options.holdBytes ? await handle.readFile() : undefined;
      const index = new CocoIndex();
      const missing = await index.read(
        whole === undefined ? readOn(handle) : readFrom(whole),
        options.onImage,
        options.signal,
      );
      if (missing.length > 0)
        throw new NotCocoError(
          'LABELS_UNREADABLE',
          `${name} is no COCO file: it has no list of ${missing.join(' and of ')}`,
        );
      return new CocoFile(name, handle, statFingerprint(stats), whole, index);
    } catch (error) {
      await handle.close();
      if (error instanceof BrokenJson) throw await unreadable(path, name, error);
      throw error;
    }
  }

  /** The elements at these places, as text and in the same order. Places ascend. */
  async read(places: readonly Place[]): Promise<string[]> {
    if (this.#whole !== undefined) {
      const whole = this.#whole;
      return places.map(({ offset, length }) => whole.toString('utf8', offset, offset + length));
    }
    const groups = together(places);
    const texts: string[][] = [];
    for (let at = 0; at < groups.length; at += READS_AT_ONCE) {
      const some = groups.slice(at, at + READS_AT_ONCE);
      texts.push(...(await Promise.all(some.map((group) => this.#readGroup(group)))));
    }
    return texts.flat();
  }

  /** Throws FatalError LABELS_UNREADABLE when the file is no longer as it was when it was indexed. */
  async assertUnchanged(): Promise<void> {
    if (statFingerprint(await this.#handle.stat({ bigint: true })) !== this.#fingerprint)
      throw new FatalError('LABELS_UNREADABLE', `${this.name} was changed while it was read`);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #readGroup(group: readonly Place[]): Promise<string[]> {
    const start = group[0]!.offset;
    const last = group.at(-1)!;
    const bytes = Buffer.allocUnsafe(last.offset + last.length - start);
    for (let filled = 0; filled < bytes.length; ) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0)
        throw new FatalError('LABELS_UNREADABLE', `${this.name} was shortened while it was read`);
      filled += bytesRead;
    }
    return group.map(({ offset, length }) => bytes.toString('utf8', offset - start, offset - start + length));
  }
}

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
