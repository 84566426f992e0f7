import { expect, test } from 'vitest';
import { changeIndexState } from '../../src/stores/index.ts';
import { allInputs, ingest, textItem } from '../stores/local/support.ts';
import { appendNow, generation, model, opened, whole } from '../stores/vectors/support.ts';
import { start } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('inputs list --json --embeddings adds the vectors to each line; people are told to ask for JSON', async () => {
  const store = await tempFolder();
  await ingest(store, [[textItem('a', 'A'), textItem('b', 'B')]]);
  const serving = generation('g', [model('aaaa')]);
  await changeIndexState(store, (state) => ({ ...state, serving }), testContext());
  const [a] = await allInputs(store);
  const writer = await opened(store);
  await appendNow(writer, 'aaaa', [whole('a', a!.sha256, 0.25)]);
  await writer.close();

  const { stdout, code } = await start(['inputs', 'list', '--store', store, '--json', '--embeddings']).done;
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      id: 'a',
      embeddings: [{ model: 'models/aaaa', part: 'whole', vector: [0.25, 0.125, -0.25, Math.fround(0.1)] }],
    },
    { id: 'b', embeddings: [] },
  ]);
  const plain = await start(['inputs', 'list', '--store', store, '--embeddings']).done;
  expect(plain.code).toBe(1);
  expect(plain.stderr).toContain('--embeddings needs --json');
});
