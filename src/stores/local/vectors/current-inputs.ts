import { KeyTable } from '../../../io/key-table.ts';
import { contentKey } from '../../../model/content-key.ts';
import type { Kind } from '../../../model/kind.ts';
import { type Connection, columnNames, findTable, type Table } from '../lance.ts';
import { listRows } from '../listing.ts';
import { stringColumn } from '../result.ts';
import { toInput } from '../rows.ts';
import type { IsCurrent } from './stale.ts';
import { pairKey } from './tables.ts';

/** What of an input is embedded now, without its regions and with them (see `contentKey`). */
export interface CurrentInput {
  id: string;
  kind: Kind;
  sha256: string;
  withRegions: string;
}

/** An image that may have boxes. */
const LABELLED = "(kind = 'image' AND `annotationBytes` > 0)";

/** Every input, in no order, in bounded memory. Annotations are read only where `regions` asks for them. */
export async function* scanCurrent(
  connection: Connection,
  { regions }: { regions: boolean },
): AsyncGenerator<CurrentInput> {
  const inputs = await findTable(connection, 'inputs');
  if (inputs === undefined) return;
  try {
    // A table of schema 1 has no annotations.
    const divided = regions && (await columnNames(inputs)).includes('annotationBytes');
    yield* scanHashes(inputs, divided ? `NOT ${LABELLED}` : undefined);
    if (!divided) return;
  } finally {
    inputs.close();
  }
  for await (const row of listRows(() => findTable(connection, 'inputs'), { where: LABELLED })) {
    const { id, kind, sha256 } = row;
    yield { id, kind, sha256, withRegions: contentKey(toInput(row), true) };
  }
}

async function* scanHashes(inputs: Table, where: string | undefined): AsyncGenerator<CurrentInput> {
  const query = inputs.query().select(['id', 'kind', 'sha256']);
  if (where !== undefined) query.where(where);
  for await (const batch of query) {
    const ids = stringColumn(batch, 'id') as string[];
    const kinds = stringColumn(batch, 'kind') as Kind[];
    const hashes = stringColumn(batch, 'sha256') as string[];
    for (let i = 0; i < ids.length; i++) {
      const sha256 = hashes[i]!;
      yield { id: ids[i]!, kind: kinds[i]!, sha256, withRegions: sha256 };
    }
  }
}

/** Whether an input is there, and has the content, now. In flat memory: about 13 bytes an input. */
export async function readCurrent(
  connection: Connection,
  { regions }: { regions: boolean },
  signal: AbortSignal,
): Promise<IsCurrent> {
  const pairs = new KeyTable({ values: false });
  for await (const { id, sha256, withRegions } of scanCurrent(connection, { regions })) {
    signal.throwIfAborted();
    pairs.set(pairKey(id, regions ? withRegions : sha256));
  }
  return (inputId, content) => pairs.has(pairKey(inputId, content));
}
