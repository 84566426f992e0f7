import { boxesOf, contentKey } from '../../../model/content-key.ts';
import type { Input } from '../../../model/input.ts';
import type { Kind } from '../../../model/kind.ts';
import type { VectorRow } from '../../../model/vector-index.ts';
import type { Generation, IndexedModel } from '../../../model/workflow.ts';
import { type Connection, connectTables } from '../lance.ts';
import type { StorePaths } from '../layout.ts';
import { indexPaths } from './index-paths.ts';
import { readIndexState } from './state.ts';
import { findVectors, pairIn } from './tables.ts';
import { partName, readVectors } from './vector-rows.ts';

/** A vector of an input, as listings and exports show it. */
export interface InputEmbedding {
  /** As the workflow names it. */
  model: string;
  /** `whole`, `frame:<milliseconds>` or `region:<annotation id>`. */
  part: string;
  vector: Float32Array;
}

/** An input as `inputs list --embeddings` prints it. */
export type EmbeddedInput = Input & {
  embeddings: (Omit<InputEmbedding, 'vector'> & { vector: number[] })[];
};

/** Inputs whose vectors are read at once; a video has hundreds. */
export const READ_AT_ONCE = { video: 8, image: 256, text: 256, audio: 256 } as const satisfies Record<
  Kind,
  number
>;

/** Reads the vectors of a store's served generation, as it is when the first ones are asked for. */
export class EmbeddingReader {
  readonly #paths: StorePaths;
  #opened: Promise<{ index: Connection; generation: Generation } | undefined> | undefined;

  constructor(paths: StorePaths) {
    this.#paths = paths;
  }

  /**
   * The vectors that inputs have, by id, as the inputs are now: by model, then the whole, frames by time, and regions
   * in the order of the annotations. Inputs without one are left out.
   */
  async read(inputs: readonly Input[]): Promise<Map<string, InputEmbedding[]>> {
    this.#opened ??= this.#open();
    const opened = await this.#opened;
    return opened === undefined ? new Map() : readEmbeddings(opened.index, opened.generation, inputs);
  }

  /** In the same order, read in parts. */
  async *attach(inputs: AsyncIterable<Input>): AsyncGenerator<EmbeddedInput> {
    let part: Input[] = [];
    let share = 0;
    for await (const input of inputs) {
      part.push(input);
      share += 1 / READ_AT_ONCE[input.kind];
      if (share < 1) continue;
      yield* this.#attached(part);
      [part, share] = [[], 0];
    }
    yield* this.#attached(part);
  }

  async *#attached(inputs: readonly Input[]): AsyncGenerator<EmbeddedInput> {
    const found = await this.read(inputs);
    for (const input of inputs) {
      const embeddings = (found.get(input.id) ?? []).map(({ model, part, vector }) => ({
        ...{ model, part, vector: Array.from(vector) },
      }));
      yield { ...input, embeddings };
    }
  }

  close(): void {
    void this.#opened?.then(
      (opened) => opened?.index.close(),
      () => {},
    );
  }

  async #open(): Promise<{ index: Connection; generation: Generation } | undefined> {
    const { serving } = await readIndexState(this.#paths.root);
    if (serving.models.length === 0) return undefined;
    return { index: await connectTables(indexPaths(this.#paths).db, this.#paths.files), generation: serving };
  }
}

async function readEmbeddings(
  index: Connection,
  generation: Generation,
  inputs: readonly Input[],
): Promise<Map<string, InputEmbedding[]>> {
  const found = new Map<string, InputEmbedding[]>();
  for (const model of generation.models) {
    const ofKind = inputs.filter(({ kind }) => kind === model.kind);
    const rows = ofKind.length === 0 ? new Map() : await rowsOf(index, model, ofKind, generation.regions);
    for (const input of ofKind) {
      const embeddings = inOrder(rows.get(input.id) ?? [], input).map((row) => ({
        ...{ model: model.node.model, part: partName(row), vector: row.vector },
      }));
      if (embeddings.length > 0) found.set(input.id, [...(found.get(input.id) ?? []), ...embeddings]);
    }
  }
  return found;
}

async function rowsOf(
  index: Connection,
  { fingerprint }: IndexedModel,
  inputs: readonly Input[],
  regions: boolean,
): Promise<Map<string, VectorRow[]>> {
  const rows = new Map<string, VectorRow[]>();
  const table = await findVectors(index, fingerprint);
  if (table === undefined) return rows;
  try {
    const pairs = inputs.map((input) => ({ inputId: input.id, content: contentKey(input, regions) }));
    for await (const batch of table.query().where(pairIn(pairs))) {
      for (const row of readVectors(batch)) {
        const others = rows.get(row.inputId);
        if (others === undefined) rows.set(row.inputId, [row]);
        else others.push(row);
      }
    }
  } finally {
    table.close();
  }
  return rows;
}

function inOrder(rows: readonly VectorRow[], { annotations }: Input): VectorRow[] {
  const places = new Map(boxesOf(annotations).map(({ id }, place) => [id, place]));
  const placeOf = ({ part, timeMs, annotationId }: VectorRow): number =>
    part === 'whole' ? -1 : (timeMs ?? places.get(annotationId ?? '') ?? 0);
  return [...rows].sort((a, b) => placeOf(a) - placeOf(b));
}
