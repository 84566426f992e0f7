import { OUTCOMES, type OutcomeName } from '../../model/outcome.ts';

/** Outcomes and bytes of one stretch of time. */
export interface Bucket {
  counts: Record<OutcomeName, number>;
  bytes: number;
}

/** A stretch without any outcome that is left out: between an interruption and its resume. */
export interface Pause {
  /** Where it was cut, in milliseconds of the timeline. */
  atMs: number;
  lastedMs: number;
}

const MAX_BUCKETS = 240;
const FIRST_WIDTH_MS = 100;
const PAUSE_MS = 5 * 60_000;
/** Pauses that are told apart; of a run resumed more often, the others are only cut. */
const MAX_PAUSES = 20;

/** What happened when, in bounded memory however long the run: with too many buckets, pairs become one. */
export class Timeline {
  #buckets: Bucket[] = [];
  #widthMs = FIRST_WIDTH_MS;
  #last: number;
  #elapsed = 0;
  readonly pauses: Pause[] = [];

  /** Milliseconds since the epoch. */
  constructor(startedAt: number) {
    this.#last = startedAt;
  }

  /** In the order of time; a clock that was set back counts as standing still. */
  add(at: number, outcome: OutcomeName, bytes: number): void {
    const gap = Math.max(0, at - this.#last);
    this.#last = Math.max(this.#last, at);
    if (gap <= PAUSE_MS) this.#elapsed += gap;
    else if (this.pauses.length < MAX_PAUSES) this.pauses.push({ atMs: this.#elapsed, lastedMs: gap });
    while (this.#elapsed >= this.#widthMs * MAX_BUCKETS) this.#widen();
    const bucket = this.#bucketAt(Math.floor(this.#elapsed / this.#widthMs));
    bucket.counts[outcome]++;
    bucket.bytes += bytes;
  }

  /** Milliseconds from the start to the last outcome, without pauses. */
  get elapsedMs(): number {
    return this.#elapsed;
  }

  /** At most `most` buckets, all of one width; the last one may reach beyond the last outcome. */
  view(most: number): { widthMs: number; buckets: readonly Bucket[] } {
    const per = Math.max(1, Math.ceil(this.#buckets.length / most));
    const buckets: Bucket[] = [];
    for (let i = 0; i < this.#buckets.length; i += per) {
      buckets.push(this.#buckets.slice(i, i + per).reduce(joined));
    }
    return { widthMs: this.#widthMs * per, buckets };
  }

  #bucketAt(index: number): Bucket {
    while (this.#buckets.length <= index) this.#buckets.push(emptyBucket());
    return this.#buckets[index]!;
  }

  #widen(): void {
    const old = this.#buckets;
    this.#buckets = [];
    for (let i = 0; i < old.length; i += 2) this.#buckets.push(joined(old[i]!, old[i + 1] ?? emptyBucket()));
    this.#widthMs *= 2;
  }
}

const emptyBucket = (): Bucket => ({ counts: { ok: 0, rejected: 0, failed: 0, skipped: 0 }, bytes: 0 });

function joined(a: Bucket, b: Bucket): Bucket {
  const bucket = emptyBucket();
  for (const outcome of OUTCOMES) bucket.counts[outcome] = a.counts[outcome] + b.counts[outcome];
  bucket.bytes = a.bytes + b.bytes;
  return bucket;
}
