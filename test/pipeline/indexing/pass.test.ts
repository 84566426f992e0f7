import { expect, test } from 'vitest';
import type { Input } from '../../../src/model/input.ts';
import type { VectorRow } from '../../../src/model/vector-index.ts';
import type { Embeddable } from '../../../src/pipeline/indexing/embeddable.ts';
import type { Computed, Indexed, Indexer } from '../../../src/pipeline/indexing/indexer.ts';
import { indexPass } from '../../../src/pipeline/indexing/pass.ts';
import { model } from '../../stores/vectors/support.ts';

/** A vector of it has 100 kB, those of a group 13 MB. */
const LARGE = model('aaaa', { dimensions: 25_000 });
const DONE: Indexed = { code: 'INPUT_REINDEX_SUCCESS', vectors: 1 };

const inputs = (count: number): Input[] =>
  Array.from(
    { length: count },
    (_, n) => ({ id: `i${n}`, kind: 'text', sha256: `c${n}`, bytes: 1 }) as Input,
  );

/** Lists inputs and counts how many were asked for. */
function listed(count: number): { inputs: AsyncIterable<Input>; taken(): number } {
  let taken = 0;
  async function* list() {
    for (const input of inputs(count)) {
      taken++;
      yield { ...input, annotations: [] };
    }
  }
  return { inputs: list(), taken: () => taken };
}

const copies = (of: readonly Embeddable[]): Computed[] =>
  of.map((input) => ({ input, shares: [{ model: LARGE, copy: true }] }));

function rows(of: readonly Embeddable[], each: number): Computed[] {
  const vector = new Float32Array(LARGE.dimensions);
  return of.map((input) => {
    const row: VectorRow = { inputId: input.inputId, content: input.content, part: 'whole', vector };
    return { input, shares: [{ model: LARGE, rows: Array(each).fill(row) }] };
  });
}

const indexerOf = (parts: Pick<Indexer, 'compute' | 'write'>): Indexer =>
  ({
    models: { generation: { regions: false } },
    isIndexed: () => false,
    flush: async () => {},
    ...parts,
  }) as unknown as Indexer;

const pass = (all: AsyncIterable<Input>, indexer: Indexer, onResult: () => void = () => {}) =>
  indexPass(all, {
    indexer,
    locate: async () => ({ text: '' }),
    stop: new AbortController().signal,
    onResult,
  });

test('inputs whose vectors are copied hold the listing back like others', async () => {
  const release = Promise.withResolvers<void>();
  const all = listed(128 * 40);
  const indexer = indexerOf({
    compute: async (of) => copies(of),
    async write(computed) {
      await release.promise;
      return computed.map(() => DONE);
    },
  });
  const running = pass(all.inputs, indexer);
  const settled = await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
  expect(settled).toBe('waits');
  expect(all.taken()).toBeLessThan(128 * 12);
  release.resolve();
  await running;
  expect(all.taken()).toBe(128 * 40);
});

test('what must be computed again gives back what others wait for first', async () => {
  let computed = 0;
  let isFirst = true;
  let results = 0;
  const full = Promise.withResolvers<void>();
  const indexer = indexerOf({
    async compute(of) {
      // The first group fills the budget, and three more hold every slot.
      if (++computed === 4) setTimeout(full.resolve, 50);
      return rows(of, computed === 1 ? 4 : 1);
    },
    async write(of) {
      const again = isFirst;
      isFirst = false;
      await full.promise;
      return of.map((_, i) => (again && i === 0 ? undefined : DONE));
    },
  });
  await pass(listed(128 * 6).inputs, indexer, () => results++);
  expect(results).toBe(128 * 6);
}, 10_000);
