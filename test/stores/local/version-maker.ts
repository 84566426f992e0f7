// Run as a process of its own: makes version after version of a store, until it is killed.
import { createVersion } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';

const [store, prefix] = process.argv.slice(2) as [string, string];
for (let n = 0; ; n++) {
  const concepts = [`${prefix}-${n}`];
  // Each one takes other annotations, so each one has chunks of its own.
  const { id } = await createVersion(
    store,
    { dataset: 'default', id: `${prefix}-${n}`, filter: { concepts } },
    testContext(),
  );
  process.stdout.write(`${id}\n`);
}
