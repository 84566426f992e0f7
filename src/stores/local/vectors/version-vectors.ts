import type { Input } from '../../../model/input.ts';
import { type EmbeddingReader, type InputEmbedding, READ_AT_ONCE } from './embeddings.ts';

type Part = ReadonlyMap<string, Promise<Map<string, InputEmbedding[]>>>;

/**
 * Vectors of inputs that are asked for one by one, mostly in the order in which they were listed: read in parts. Two
 * parts and two listings are kept, for the consumer may list ahead of what it asks for.
 */
export class VersionVectors {
  readonly #reader: EmbeddingReader;
  #listed: (readonly Input[])[] = [];
  #parts: Part[] = [];

  constructor(reader: EmbeddingReader) {
    this.#reader = reader;
  }

  /** What is likely asked for next. */
  expect(inputs: readonly Input[]): void {
    this.#listed = [inputs, ...this.#listed.slice(0, 1)];
  }

  async of(input: Input): Promise<InputEmbedding[]> {
    const part = this.#parts.find((known) => known.has(input.id)) ?? this.#read(input);
    return (await part.get(input.id)!).get(input.id) ?? [];
  }

  #read(input: Input): Part {
    const inputs = this.#from(input);
    const found = this.#reader.read(inputs);
    const part = new Map(inputs.map(({ id }) => [id, found]));
    this.#parts = [part, ...this.#parts.slice(0, 1)];
    return part;
  }

  #from(input: Input): readonly Input[] {
    for (const listed of this.#listed) {
      const at = listed.findIndex(({ id }) => id === input.id);
      if (at >= 0) return listed.slice(at, at + READ_AT_ONCE[input.kind]);
    }
    return [input];
  }
}
