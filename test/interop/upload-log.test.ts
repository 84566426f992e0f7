import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { retry } from '../../src/pipeline/retry.ts';
import { ledgerOf } from '../support/cli.ts';
import { describePython } from '../support/python.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** The log as `Dataset._upload_inputs_batch` and the others write it, with the SDK's own logger and tables. */
const WRITE_LOG = `
from tabulate import tabulate
from clarifai.utils.logging import add_file_handler, get_logger, process_log_files
logger = get_logger("WARNING", "clarifai.client.dataset")
add_file_handler(logger, data["path"])
for table in data["tables"]:
    kind = "Image Path" if table["duplicates"] else "Input"
    rows = [[r["index"], r["id"], r["status"], r.get("input"), r.get("labels"), r.get("metadata")] for r in table["rows"]]
    printed = tabulate(rows, headers=["Index", "Input ID", "Status", kind, "Labels", "Metadata"], tablefmt="grid")
    n = table["count"]
    if table["duplicates"]:
        text = f"2026-11-21 10:00:00\\nFailed to upload {n} inputs due to duplicate IDs in current batch 1:\\n{printed}\\n\\n"
    else:
        text = f"2026-11-21 10:00:00\\nFailed to upload {n} inputs in current batch 1 due to status {{\\n  code: FAILURE\\n}}\\n:\\n{printed}\\n\\n"
    logger.warning("Retrying upload for 2 inputs in current batch: ['a', 'b']\\n")
    logger.warning(text)
duplicates, failed = process_log_files(data["path"])
result = {"duplicates": [d["Index"] for d in duplicates], "failed": [f["Index"] for f in failed]}
`;

interface Row {
  index: number;
  id: string;
  status: string;
  input?: string;
  labels?: string[] | string;
  metadata?: object;
}
const failed = (index: number, input: string, more: Partial<Row> = {}): Row => ({
  index,
  id: `animals-${index}`,
  status: 'Failed to download',
  input,
  labels: ['cat', "it's"],
  metadata: { source: 'unit', n: 1 },
  ...more,
});

describePython('clarifai', 'an upload log that the official Python SDK wrote', (python) => {
  const setUp = async (tables: { duplicates: boolean; count: number; rows: Row[] }[]) => {
    const dir = await tempFolder();
    const log = join(dir, 'Dataset_Upload1763725000.log');
    const sdk = await python<{ duplicates: number[]; failed: number[] }>(WRITE_LOG, { path: log, tables });
    return { dir, log, sdk, store: join(dir, 'store') };
  };

  test('is taken as it stands: files by their path, texts of several lines, labels and metadata', async () => {
    const rows = [
      failed(3, 'photos/a.txt'),
      failed(5, 'a text of | two\nlines with 日本語 in it', { labels: 'dog' }),
      failed(7, 'photos/gone.jpg'),
      // The SDK's own pattern misses ids with a space in them.
      failed(9, 'just a text', { id: 'an id', metadata: {} }),
    ];
    const { dir, log, sdk, store } = await setUp([{ duplicates: false, count: 4, rows }]);
    expect(sdk.failed).not.toContain(9);
    await mkdir(join(dir, 'photos'));
    await writeFile(join(dir, 'photos', 'a.txt'), 'a file');
    const report = await retry({ failures: log, store });
    expect(report.byCode).toEqual({ INPUT_SUCCESS: 3, LOG_LINE_UNMATCHED: 1 });
    const inputs = await storedIn(store);
    expect(
      inputs.map(({ id, text, concepts, metadata }) => [id, text, concepts.map(({ id: c }) => c), metadata]),
    ).toEqual([
      ['an id', 'just a text', ['cat', "it's"], {}],
      ['animals-3', 'a file', ['cat', "it's"], { source: 'unit', n: 1 }],
      ['animals-5', 'a text of | two\nlines with 日本語 in it', ['dog'], { source: 'unit', n: 1 }],
    ]);
    const unmatched = ledgerOf(store, report.runId).find(({ code }) => code === 'LOG_LINE_UNMATCHED')!;
    expect(unmatched.message).toMatch(/^animals-7 \(index 7\): photos\/gone\.jpg: .*--source$/);
  });

  test('selects from the source by path, whatever the order, and says which lines it could not match', async () => {
    const tables = [
      {
        duplicates: true,
        count: 1,
        rows: [failed(0, '/data/animals/b.txt', { status: 'Input has a duplicate ID.' })],
      },
      {
        duplicates: false,
        count: 4,
        rows: [failed(2, '/data/animals/a.txt'), failed(8, '/data/animals/z.txt')],
      },
    ];
    const { dir, log, sdk, store } = await setUp(tables);
    expect(sdk).toEqual({ duplicates: [0], failed: [2, 8] });
    await mkdir(join(dir, 'animals'));
    for (const name of ['a', 'b', 'c']) await writeFile(join(dir, 'animals', `${name}.txt`), name);
    const report = await retry({ failures: log, store, source: { source: join(dir, 'animals') } });
    expect(report.totals).toEqual({ listed: 3, ok: 1, rejected: 2, failed: 0, skipped: 0 });
    expect((await storedIn(store)).map(({ uri }) => uri)).toEqual(['a.txt']);
    const messages = ledgerOf(store, report.runId).flatMap(({ code, message }) =>
      code === 'LOG_LINE_UNMATCHED' ? [message] : [],
    );
    expect(messages[0]).toMatch(
      /^line \d+ of the log, animals-8 \(index 8\): no item of the source is .*z\.txt$/,
    );
    expect(messages[1]).toMatch(/^2 inputs failed .* does not name them/);

    const withDuplicates = await retry({
      ...{ failures: log, store, retryDuplicates: true, source: { source: join(dir, 'animals') } },
    });
    expect(withDuplicates.totals).toMatchObject({ listed: 4, ok: 1, skipped: 1 });
  });
});
