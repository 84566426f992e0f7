/** Bytes of an object from `start` up to and without `end`, there or on their way. */
export interface Segment {
  start: number;
  end: number;
  bytes: Promise<Buffer>;
}

/** Keeps the pieces of objects that were used last, up to a number of bytes in all. */
export class SegmentCache {
  readonly #maxBytes: number;
  #bytes = 0;
  /** The one used last is the last. */
  #kept: { owner: object; segment: Segment }[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The piece used last of those that match, which thereby is used again. */
  find(owner: object, matches: (segment: Segment) => boolean): Segment | undefined {
    const at = this.#kept.findLastIndex(({ owner: of, segment }) => of === owner && matches(segment));
    if (at < 0) return undefined;
    const [found] = this.#kept.splice(at, 1);
    this.#kept.push(found!);
    return found!.segment;
  }

  /** Keeps a piece in the place of the oldest ones. One that fails is forgotten, so that it is asked for again. */
  add(owner: object, segment: Segment): void {
    this.#kept.push({ owner, segment });
    this.#bytes += segment.end - segment.start;
    segment.bytes.catch(() => this.#forget((kept) => kept.segment === segment));
    while (this.#bytes > this.#maxBytes && this.#kept.length > 1) {
      const oldest = this.#kept[0]!;
      this.#forget((kept) => kept === oldest);
    }
  }

  #forget(isIt: (kept: { owner: object; segment: Segment }) => boolean): void {
    const at = this.#kept.findIndex(isIt);
    if (at < 0) return;
    const [forgotten] = this.#kept.splice(at, 1);
    this.#bytes -= forgotten!.segment.end - forgotten!.segment.start;
  }
}
