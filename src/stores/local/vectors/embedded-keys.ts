import { KeyTable } from '../../../io/key-table.ts';
import type { Table } from '../lance.ts';
import { pairKey, scanPairs } from './tables.ts';

/** Which inputs a table has, as they were embedded: about 60 bytes of flat memory each. */
export class EmbeddedKeys {
  /** 1 for a pair of input and content that is there, 0 for one that was removed. */
  readonly #pairs = new KeyTable();
  /** Inputs with the content. */
  readonly #contents = new KeyTable();

  static async read(table: Table): Promise<EmbeddedKeys> {
    const keys = new EmbeddedKeys();
    for await (const { inputIds, contents } of scanPairs(table, { wholeOnly: true })) {
      inputIds.forEach((inputId, i) => {
        keys.add(inputId, contents[i]!);
      });
    }
    return keys;
  }

  has(inputId: string, content: string): boolean {
    return this.#pairs.get(pairKey(inputId, content)) === 1;
  }

  hasContent(content: string): boolean {
    return (this.#contents.get(content) ?? 0) > 0;
  }

  add(inputId: string, content: string): void {
    if (this.has(inputId, content)) return;
    this.#pairs.set(pairKey(inputId, content), 1);
    this.#contents.set(content, (this.#contents.get(content) ?? 0) + 1);
  }

  remove(inputId: string, content: string): void {
    if (!this.has(inputId, content)) return;
    this.#pairs.set(pairKey(inputId, content), 0);
    this.#contents.set(content, this.#contents.get(content)! - 1);
  }
}
