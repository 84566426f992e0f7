import { join } from 'node:path';
import { ANNOTATION_COLUMNS, type Column, type Row } from './columns.ts';
import { ParquetFile } from './parquet-file.ts';
import { sizeOf } from './rows.ts';

/** Rows of one input. */
export interface Rows {
  input: Row;
  annotations: Row[];
}

export const shardName = (table: string, shard: number): string =>
  `${table}-${String(shard).padStart(5, '0')}.parquet`;

/** Pairs of files of the two tables, one pair after the other. */
export class Shards {
  /** Number of the pair that is begun next. */
  next: number;
  readonly #folder: string;
  readonly #columns: readonly Column[];
  readonly #maxBytes: number;
  #inputs: ParquetFile | undefined;
  #annotations: ParquetFile | undefined;

  constructor(folder: string, columns: readonly Column[], maxBytes: number, next: number) {
    this.#folder = folder;
    this.#columns = columns;
    this.#maxBytes = maxBytes;
    this.next = next;
  }

  /** Whether the open pair has room; there is room for anything where none is open. */
  fits({ input, annotations }: Rows): boolean {
    const open = (this.#inputs?.size ?? 0) + (this.#annotations?.size ?? 0);
    if (this.#inputs === undefined) return true;
    return open + annotations.reduce((sum, row) => sum + sizeOf(row), sizeOf(input)) <= this.#maxBytes;
  }

  async add({ input, annotations }: Rows): Promise<void> {
    if (this.#inputs === undefined) await this.begin();
    await this.#inputs!.add(input);
    for (const row of annotations) await this.#annotations!.add(row);
  }

  async begin(): Promise<void> {
    this.#inputs = await ParquetFile.create(this.#pathOf('inputs'), this.#columns);
    this.#annotations = await ParquetFile.create(this.#pathOf('annotations'), ANNOTATION_COLUMNS);
    this.next++;
  }

  /** Completes the open pair, if there is one. */
  async finish(): Promise<void> {
    await this.#inputs?.finish();
    this.#inputs = undefined;
    await this.#annotations?.finish();
    this.#annotations = undefined;
  }

  /** Closes what is not to be finished. */
  async abandon(): Promise<void> {
    await this.#inputs?.abandon();
    await this.#annotations?.abandon();
  }

  #pathOf(table: string): string {
    return join(this.#folder, shardName(table, this.next));
  }
}
