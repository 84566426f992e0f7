import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isOutcome, type Loader, type SourceItem } from '../../src/model/contracts.ts';
import { selectedByLog } from '../../src/pipeline/log-selection.ts';
import { retry } from '../../src/pipeline/retry.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** A log as the SDK prints it, of failed inputs by position. */
function logOf(rows: [index: number, input: string][]): string {
  const cells = [
    ['Index', 'Input ID', 'Status', 'Input', 'Labels', 'Metadata'],
    ...rows.map(([index, input]) => [`${index}`, `set-${index}`, 'Internal', input, "['x']", '{}']),
  ];
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const lines = cells.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`);
  return `Failed to upload ${rows.length} inputs in current batch 1:\n${[rule, ...lines.flatMap((line) => [line, rule])].join('\n')}\n`;
}

/** The uris of what is taken, and how many lines found nothing. */
async function selected(rows: [number, string][], items: Omit<SourceItem, 'id'>[]) {
  const log = join(await tempFolder(), 'Dataset_Upload1.log');
  await writeFile(log, logOf(rows));
  const loader: Loader = {
    describes: 'a list',
    fingerprint: async () => undefined,
    async *list() {
      for (const item of items) yield { id: item.uri, ...item };
      return { complete: true, evidence: 'all' };
    },
  };
  const listing = (await selectedByLog(loader, log, { duplicates: false })).list(testContext());
  const taken: string[] = [];
  let missed = 0;
  for await (const listed of listing) {
    if (isOutcome(listed)) missed++;
    else taken.push(listed.uri);
  }
  return { taken, missed };
}

const at = (uri: string) => ({ uri });

test('files of the same name in different folders are told apart by their folders', async () => {
  const items = ['a/1.jpg', 'b/1.jpg', 'c/1.jpg'].map(at);
  expect(await selected([[7, '/data/set/b/1.jpg']], items)).toEqual({ taken: ['b/1.jpg'], missed: 0 });
  expect(await selected([[7, 'set\\c\\1.jpg']], items)).toEqual({ taken: ['c/1.jpg'], missed: 0 });
  expect(await selected([[7, '/data/d/1.jpg']], items)).toEqual({ taken: [], missed: 1 });
});

test('a path in the log may be shorter or longer than that in the source, and may have spaces', async () => {
  expect(await selected([[3, '1.jpg']], [at('deep/in/1.jpg')])).toMatchObject({ missed: 0 });
  expect(await selected([[3, '/x/my photo.jpg']], [at('my photo.jpg')])).toMatchObject({ missed: 0 });
  expect(await selected([[3, 'b/1.jpg']], [at('x.zip!/b/1.jpg')])).toMatchObject({ missed: 0 });
  const row = { uri: 'x.csv#L2', file: '/somewhere/b/1.jpg' };
  expect(await selected([[3, 'b/1.jpg']], [row])).toMatchObject({ taken: ['x.csv#L2'] });
});

test('of equal texts, each line takes one, by position where it fits', async () => {
  const items = Array.from({ length: 5 }, (_, i) => ({ uri: `t#L${i + 1}`, text: 'the same' }));
  const rows: [number, string][] = [
    [1, 'the same'],
    [3, 'the same'],
  ];
  expect((await selected(rows, items)).taken).toHaveLength(2);
});

test('the time for equal texts grows with their number, not with its square', async () => {
  const rows = Array.from({ length: 40_000 }, (_, i): [number, string] => [i + 100_000, 'the same']);
  const items = rows.map((_, i) => ({ uri: `t#L${i + 1}`, text: 'the same' }));
  expect(await selected(rows, items)).toMatchObject({ missed: 0 });
});

test('a log that is not there is said to be missing', async () => {
  const dir = await tempFolder();
  const request = {
    failures: join(dir, 'Dataset_Upload1.log'),
    store: join(dir, 's'),
    source: { source: dir },
  };
  await expect(retry(request)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
});
