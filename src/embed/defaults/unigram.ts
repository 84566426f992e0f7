/** What spaces become, so that pieces can hold them; a text begins with one. */
const SPACE = '\u2581';
/** What no piece fits is the first id; others of the first six are never found in a text. */
const UNKNOWN = 0;
const RESERVED = 6;
/** Of a piece, in characters. */
const LONGEST_PIECE = 16;
/** An unknown character scores so much less than the least likely piece, as in SentencePiece. */
const UNKNOWN_PENALTY = 10;

/**
 * A piece and the logarithm of its probability; its place in the list is its id. The likelier ones come first, so a
 * score that is missing, as those of pieces with a colon are, is about that of the piece before.
 */
export type VocabularyEntry = readonly [piece: string, score: number | null];

interface TrieNode {
  next: Map<string, TrieNode>;
  id?: number;
  score: number;
}

/** SentencePiece's unigram model: the pieces whose probabilities have the greatest product. */
export class UnigramTokenizer {
  readonly #root: TrieNode = { next: new Map(), score: 0 };
  readonly #unknownScore: number;

  constructor(vocabulary: readonly VocabularyEntry[]) {
    let least = 0;
    let score = 0;
    for (const [id, [piece, known]] of vocabulary.entries()) {
      if (id < RESERVED) continue;
      score = known ?? score;
      least = Math.min(least, score);
      let node = this.#root;
      for (const char of piece) {
        let next = node.next.get(char);
        if (next === undefined) {
          next = { next: new Map(), score: 0 };
          node.next.set(char, next);
        }
        node = next;
      }
      node.id = id;
      node.score = score;
    }
    this.#unknownScore = least - UNKNOWN_PENALTY;
  }

  /** Ids of a text, at most `limit`; none of a text without anything but white space. What lies behind is not read. */
  encode(text: string, limit: number): number[] {
    const found: number[] = [];
    // No piece goes on behind a space, so that words can be divided one by one.
    for (const word of wordsOf(text, limit * LONGEST_PIECE)) {
      if (found.length >= limit) break;
      for (const id of this.#divided([SPACE, ...word])) {
        // Unknown characters in a row are one.
        if (id !== UNKNOWN || found.at(-1) !== UNKNOWN) found.push(id);
      }
    }
    return found.slice(0, limit);
  }

  #divided(chars: readonly string[]): number[] {
    const { ids, starts } = this.#bestPath(chars);
    const found: number[] = [];
    for (let end = chars.length; end > 0; end = starts[end]!) found.push(ids[end]!);
    return found.reverse();
  }

  /** For each end: the last piece of the best way there, and where it begins. */
  #bestPath(chars: readonly string[]): { ids: Int32Array; starts: Int32Array } {
    const best = new Float64Array(chars.length + 1).fill(Number.NEGATIVE_INFINITY);
    const ids = new Int32Array(chars.length + 1);
    const starts = new Int32Array(chars.length + 1);
    best[0] = 0;
    const offer = (start: number, end: number, id: number, score: number) => {
      if (best[start]! + score <= best[end]!) return;
      best[end] = best[start]! + score;
      ids[end] = id;
      starts[end] = start;
    };
    for (let start = 0; start < chars.length; start++) {
      let node = this.#root.next.get(chars[start]!);
      if (node?.id === undefined) offer(start, start + 1, UNKNOWN, this.#unknownScore);
      for (let end = start + 1; node !== undefined; end++) {
        if (node.id !== undefined) offer(start, end, node.id, node.score);
        node = end < chars.length ? node.next.get(chars[end]!) : undefined;
      }
    }
    return { ids, starts };
  }
}

/** What is between white space after NFKC, as SentencePiece does it; words without an end are cut after `most` units. */
function* wordsOf(text: string, most: number): Generator<string, void, void> {
  // One character at a time: a pattern of a whole word of some million overflows the stack.
  const space = /\s/gu;
  const other = /\S/gu;
  for (let end = 0; ; ) {
    other.lastIndex = end;
    const start = other.exec(text)?.index;
    if (start === undefined) return;
    space.lastIndex = start;
    end = space.exec(text)?.index ?? text.length;
    const word = text.slice(start, Math.min(end, start + most)).normalize('NFKC');
    for (const part of word.split(/\s+/u)) if (part !== '') yield part;
  }
}
