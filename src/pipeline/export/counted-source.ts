import type { ConceptDefinition } from '../../model/annotation.ts';
import type { DatasetVersion } from '../../model/dataset.ts';
import type { ExportSource, MediaSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import { compareUtf8 } from '../../stores/local/id-order.ts';

/**
 * The source of an export, counted where it yields: the `listed` side of the accounting identity. An exporter may read
 * the version more than once; each input counts once.
 */
export class CountedSource implements ExportSource {
  readonly #source: ExportSource;
  listed = 0;
  /** Of the inputs that were listed. */
  annotations = 0;
  /** Whether anything was asked for, and after which input the first reading began. */
  began: { after: string | undefined } | undefined;
  #highest: string | undefined;
  readonly embeddings?: NonNullable<ExportSource['embeddings']>;

  constructor(source: ExportSource) {
    this.#source = source;
    if (source.embeddings !== undefined) this.embeddings = (input) => source.embeddings!(input);
  }

  get version(): DatasetVersion {
    return this.#source.version;
  }

  get concepts(): readonly ConceptDefinition[] {
    return this.#source.concepts;
  }

  media(input: Input): Promise<MediaSource> {
    return this.#source.media(input);
  }

  async *inputs(options: { after?: string } = {}): AsyncGenerator<Input, void, void> {
    this.began ??= { after: options.after };
    for await (const input of this.#source.inputs(options)) {
      this.#count(input);
      yield input;
    }
  }

  #count({ id, annotations }: Input): void {
    if (this.#highest !== undefined && compareUtf8(id, this.#highest) <= 0) return;
    this.#highest = id;
    this.listed++;
    this.annotations += annotations.length;
  }
}
