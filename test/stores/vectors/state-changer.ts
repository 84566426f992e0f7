// Run as a process of its own: adds so many generations to the index's state, one change after another.
import { changeIndexState } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { generation } from './support.ts';

const [store, name, count] = process.argv.slice(2) as [string, string, string];
for (let n = 0; n < Number(count); n++) {
  await changeIndexState(
    store,
    (state) => ({ ...state, previous: [...state.previous, generation(`${name}-${n}`, [])] }),
    testContext(),
  );
}
