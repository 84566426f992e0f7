import type { Input } from '../../src/model/input.ts';
import { openReader } from '../../src/stores/index.ts';

/** What a store holds, in the order of the ids, read in this process. */
export async function storedIn(store: string): Promise<Input[]> {
  const reader = await openReader(store);
  try {
    const inputs: Input[] = [];
    for await (const input of reader.listInputs()) inputs.push(input);
    return inputs;
  } finally {
    reader.close();
  }
}
