import type { ConceptDefinition } from '../../model/annotation.ts';
import type { DatasetVersion } from '../../model/dataset.ts';
import type { ExportSource, MediaSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Outcome } from '../../model/outcome.ts';
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
  /** How many annotations each input has that was listed and has no outcome yet. */
  readonly #pending = new Map<string, number>();
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
    if (annotations.length > 0) this.#pending.set(id, annotations.length);
  }

  /** An outcome with its input's annotations, which share it. */
  withAnnotations(outcome: Outcome): Outcome {
    const { inputId = '' } = outcome;
    for (const [id, good] of this.#pending) {
      const order = compareUtf8(id, inputId);
      if (order > 0) break;
      // Those before it had their outcome in an earlier attempt.
      this.#pending.delete(id);
      if (order === 0) return { ...outcome, annotations: { good } };
    }
    return outcome;
  }
}
