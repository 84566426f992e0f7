import { Field, Int64, Schema, Utf8 } from 'apache-arrow';
import type { ConceptDefinition } from '../../model/annotation.ts';
import type { Logger } from '../../model/contracts.ts';
import { intColumn, utf8Column } from './columns.ts';
import { TableSync } from './durability.ts';
import { nameSome } from './ids.ts';
import { type Connection, findTable, makeTable } from './lance.ts';
import type { StoreLock } from './lock.ts';
import { addDefinitions } from './merge-concepts.ts';
import { stringColumn } from './result.ts';
import { tableOf } from './rows.ts';

const conceptSchema = new Schema([
  new Field('id', new Utf8(), false),
  /** From 0, in the order of first definition; never changes. */
  new Field('position', new Int64(), false),
  /** A ConceptDefinition as JSON. */
  new Field('definition', new Utf8(), false),
]);

/** Every concept that a label source declared, in the order of first definition over all runs. */
export async function listConcepts(connection: Connection): Promise<ConceptDefinition[]> {
  const table = await findTable(connection, 'concepts');
  if (table === undefined) return [];
  try {
    const placed: { position: number; definition: ConceptDefinition }[] = [];
    for await (const batch of table.query()) {
      const positions = batch.getChild('position')!;
      stringColumn(batch, 'definition').forEach((json, i) => {
        placed.push({ position: Number(positions.get(i)), definition: JSON.parse(json!) });
      });
    }
    return placed.sort((a, b) => a.position - b.position).map(({ definition }) => definition);
  } finally {
    table.close();
  }
}

/** The writing side of the table `concepts`; for the holder of the store's lock. */
export class ConceptTable {
  readonly #connection: Connection;
  readonly #folder: string;
  readonly #lock: StoreLock;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Connection, folder: string, lock: StoreLock, logger: Logger) {
    this.#connection = connection;
    this.#folder = folder;
    this.#lock = lock;
    this.#logger = logger;
  }

  /** In the order of the calls, each one commit, durable when it returns. */
  define(concepts: readonly ConceptDefinition[]): Promise<void> {
    const defined = this.#writing.then(() => this.#define(concepts));
    this.#writing = defined.catch(() => {});
    return defined;
  }

  async #define(concepts: readonly ConceptDefinition[]): Promise<void> {
    if (concepts.length === 0) return;
    await this.#lock.assertHeld();
    const known = await listConcepts(this.#connection);
    const { definitions, changed, conflicts } = addDefinitions(known, concepts);
    if (conflicts.length > 0) {
      this.#logger.warn(
        { concepts: nameSome(conflicts) },
        'concepts are declared with another supercategory or number than before; the first declaration stays',
      );
    }
    if (changed.length === 0) return;
    const rows = tableOf(conceptSchema, changed.length, [
      utf8Column(changed.map((position) => definitions[position]!.id)),
      intColumn(changed),
      utf8Column(changed.map((position) => JSON.stringify(definitions[position]))),
    ]);
    const table = await makeTable(this.#connection, 'concepts', conceptSchema);
    try {
      await table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows);
      await new TableSync(this.#folder).run();
    } finally {
      table.close();
    }
  }
}
