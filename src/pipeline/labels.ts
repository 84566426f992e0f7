import type { SourceItem } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import type { Concept, Metadata } from '../model/labels.ts';
import type { RunOptions } from './config.ts';
import { addConcepts } from './item-labels.ts';

/** What `--concept`, `--metadata` and `--split` give to every item of a run; an item's own values win. */
export class RunLabels {
  readonly #concepts: readonly Concept[];
  readonly #metadata: Metadata;
  readonly #split: string | undefined;
  readonly #none: boolean;

  constructor(options: Pick<RunOptions, 'concept' | 'metadata' | 'split'>) {
    this.#concepts = options.concept.map(parseConcept);
    this.#metadata = options.metadata;
    this.#split = options.split;
    this.#none =
      this.#concepts.length === 0 && Object.keys(this.#metadata).length === 0 && this.#split === undefined;
  }

  apply(item: SourceItem): void {
    if (this.#none) return;
    if (this.#concepts.length > 0) item.concepts = addConcepts(item.concepts, this.#concepts);
    if (Object.keys(this.#metadata).length > 0) item.metadata = { ...this.#metadata, ...item.metadata };
    if (item.split === undefined && this.#split !== undefined) item.split = this.#split;
  }
}

/** `ID`, `ID=1` or `ID=0`. */
function parseConcept(text: string): Concept {
  const match = /^(?<id>.+?)(?:=(?<value>[01]))?$/s.exec(text);
  const id = match?.groups?.['id']?.trim() ?? '';
  if (id === '' || /=\S*$/.test(id)) {
    throw new FatalError(
      'CONFIG_INVALID',
      `--concept ${text}: expected ID, ID=1 (present) or ID=0 (negative)`,
    );
  }
  return { id, name: id, value: match?.groups?.['value'] === '0' ? 0 : 1 };
}
