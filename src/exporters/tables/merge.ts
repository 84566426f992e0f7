import type { Input } from '../../model/input.ts';
import type { EarlierInput } from './earlier-tables.ts';

/** One id of an updated export: what there was, what there is, or both. */
export interface Merged {
  id: string;
  earlier?: EarlierInput;
  input?: Input;
}

/** Joins two sequences that are in the order of ids, of their UTF-8. */
export async function* mergeById(
  earlier: AsyncGenerator<EarlierInput>,
  inputs: AsyncIterable<Input>,
): AsyncGenerator<Merged> {
  try {
    let old = await earlier.next();
    for await (const input of inputs) {
      while (old.done !== true && compareIds(old.value.id, input.id) < 0) {
        yield { id: old.value.id, earlier: old.value };
        old = await earlier.next();
      }
      if (old.done !== true && old.value.id === input.id) {
        yield { id: input.id, earlier: old.value, input };
        old = await earlier.next();
      } else yield { id: input.id, input };
    }
    while (old.done !== true) {
      yield { id: old.value.id, earlier: old.value };
      old = await earlier.next();
    }
  } finally {
    await earlier.return(undefined);
  }
}

/** The order of their UTF-8. */
export const compareIds = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
