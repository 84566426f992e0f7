import type { Outcome } from '../../model/outcome.ts';
import type { PiecedInput } from './media-chunks.ts';

/** An input as it is written. */
export interface PreparedInput extends PiecedInput {
  /** Of all pieces and media. */
  bytes: number;
  split: string | undefined;
  annotations: number;
  losses: readonly string[];
}

/**
 * The inputs that are written together: one batch for each of their splits. As it is bounded as a whole, no batch is
 * larger than a batch may be, however many splits there are, and each round starts from nothing, so that an export
 * which goes on behind one writes the same bytes.
 */
export class Round {
  readonly outcomes: Outcome[] = [];
  readonly #batches = new Map<string, PreparedInput[]>();
  #bytes = 0;

  /** Whether an outcome can be added, with an input of that size; the first always can. */
  hasRoom(bytes: number, limits: { items: number; bytes: number }): boolean {
    const items = this.outcomes.length;
    return items === 0 || (items < limits.items && this.#bytes + bytes <= limits.bytes);
  }

  /** `input`: unless its outcome says that it is not written. */
  add(outcome: Outcome, input?: PreparedInput): void {
    this.outcomes.push(outcome);
    if (input === undefined) return;
    const folder = splitFolder(input.split);
    const batch = this.#batches.get(folder);
    if (batch === undefined) this.#batches.set(folder, [input]);
    else batch.push(input);
    this.#bytes += input.bytes;
  }

  /** By the folders of their splits, in order. */
  batches(): [folder: string, inputs: PreparedInput[]][] {
    return [...this.#batches].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** The folder of inputs without a split, as the platform's SDK calls it. */
const NO_SPLIT = 'all';

/** One component of a path, whatever the split is called; `splitOf` in the loader reads it back. */
function splitFolder(split: string | undefined): string {
  if (split === undefined) return NO_SPLIT;
  const plain = encodeURIComponent(split.toWellFormed());
  // A name that means something else keeps its letters, the first one escaped.
  return /^(?:all|mimetype|\.+)$/.test(plain)
    ? `%${plain.charCodeAt(0).toString(16).toUpperCase()}${plain.slice(1)}`
    : plain;
}
