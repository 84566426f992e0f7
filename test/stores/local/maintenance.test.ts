import { mkdir, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  checkStore,
  collectGarbage,
  compactStore,
  deleteInputs,
  openWriter,
  type StoreSummary,
} from '../../../src/stores/index.ts';
import { connectTables } from '../../../src/stores/local/lance.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { collect, imageItem, ingest, textItem, writerOptions } from './support.ts';

const ctx = testContext();

async function checked(store: string, deep = false) {
  const check = checkStore(store, { deep }, ctx);
  const findings = [];
  for (;;) {
    const next = await check.next();
    if (next.done) return { findings, summary: next.value satisfies StoreSummary };
    findings.push(next.value);
  }
}

async function storeOf(...ids: string[]): Promise<string> {
  const store = await tempFolder();
  await ingest(store, [ids.map((id) => imageItem(id, `bytes of ${id}`))]);
  await mkdir(join(store, 'runs', 'run-1'));
  return store;
}

const blobOf = (store: string, id: string) => {
  const { sha256 } = imageItem(id, `bytes of ${id}`);
  return join(store, 'blobs', sha256.slice(0, 2), sha256);
};

describe('check', () => {
  test('finds nothing in a good store, and counts it', async () => {
    const store = await storeOf('a', 'b');
    const { findings, summary } = await checked(store, true);
    expect(findings).toEqual([]);
    expect(summary).toEqual({ rows: 2, blobs: 2, bytes: 20, versions: 0, vectors: 0, findings: 0 });
  });

  test('finds each kind of damage', async () => {
    const store = await storeOf('gone', 'short', 'turned', 'good');
    await rm(blobOf(store, 'gone'));
    await truncate(blobOf(store, 'short'), 3);
    await writeFile(blobOf(store, 'turned'), 'bytes of turneD');
    await mkdir(join(store, 'blobs', '00'), { recursive: true });
    const orphan = join(store, 'blobs', '00', '0'.repeat(64));
    await writeFile(orphan, 'nobody');
    await utimes(orphan, 1, 1);
    const { findings, summary } = await checked(store);
    expect(findings).toHaveLength(3);
    expect(findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ finding: 'BLOB_MISSING', id: 'gone' }),
        expect.objectContaining({ finding: 'BLOB_SIZE', id: 'short', measured: 3, expected: 14 }),
        { finding: 'BLOB_ORPHAN', path: orphan, bytes: 6 },
      ]),
    );
    expect(summary.findings).toBe(3);
    const deep = (await checked(store, true)).findings.filter(({ finding }) => finding === 'BLOB_CONTENT');
    expect(deep.map((finding) => 'path' in finding && finding.path).sort()).toEqual(
      [blobOf(store, 'short'), blobOf(store, 'turned'), orphan].sort(),
    );
  });

  test('finds rows of a run that is not there', async () => {
    const store = await storeOf('a');
    await rm(join(store, 'runs', 'run-1'), { recursive: true });
    expect((await checked(store)).findings).toEqual([{ finding: 'RUN_MISSING', id: 'a', runId: 'run-1' }]);
  });

  test('finds an id that has two rows, which a run then refuses to take for good', async () => {
    const store = await storeOf('a', 'twice');
    const table = await (await connectTables(join(store, 'db'))).openTable('inputs');
    await table.add(await table.query().where("id = 'twice'").toArrow());
    table.close();
    expect((await checked(store)).findings).toEqual([{ finding: 'ID_DOUBLED', id: 'twice' }]);
    await expect(ingest(store, [[textItem('b', 'b')]])).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('twice'),
    });
  });
});

describe('gc', () => {
  test('removes what no row names, when it is old enough, and says so before on a dry run', async () => {
    const store = await storeOf('a', 'b', 'c');
    await deleteInputs(store, ['a', 'b'], {}, ctx);
    await utimes(blobOf(store, 'a'), 1, 1);
    await mkdir(join(store, 'tmp', 'run-killed', 'spool'), { recursive: true });
    const expected = { blobs: 1, chunks: 0, bytes: 10, tmpFolders: 1, vectors: 0, models: 0 };
    expect(await collectGarbage(store, { dryRun: true }, ctx)).toEqual(expected);
    expect(await collectGarbage(store, {}, ctx)).toEqual(expected);
    expect(await readdir(join(store, 'tmp'))).toEqual([]);
    expect(await collectGarbage(store, { graceMs: -60_000 }, ctx)).toMatchObject({ blobs: 1 });
    expect((await checked(store)).findings).toEqual([]);
    expect((await checked(store)).summary).toMatchObject({ rows: 1, blobs: 1 });
  });

  test('does not run beside a writer', async () => {
    const store = await storeOf('a');
    const writer = await openWriter(store, writerOptions({ runId: 'run-busy' }), ctx);
    for (const task of [
      () => collectGarbage(store, {}, ctx),
      () => compactStore(store, {}, ctx),
      () => deleteInputs(store, ['a'], {}, ctx),
    ]) {
      await expect(task()).rejects.toMatchObject({
        code: 'STORE_LOCKED',
        message: expect.stringContaining('run-busy'),
      });
    }
    await writer.close();
    await compactStore(store, {}, ctx);
  });
});

describe('looking up ids', () => {
  test('is right with an index, with rows added since, and after these were indexed too', async () => {
    const store = await tempFolder();
    const batch = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => textItem(`id-${from + i}`, `${from + i}`));
    await ingest(store, [batch(0, 25_000)]);
    const writer = await openWriter(store, writerOptions({ runId: 'run-2' }), ctx);
    const asked = ['id-0', 'id-24999', 'id-25000', 'id-30000', 'id-49999', 'nobody'];
    const found = async () => [...(await writer.existing(asked)).keys()].sort();
    expect(await found()).toEqual(['id-0', 'id-24999']);
    await Promise.all([writer.write(batch(25_000, 10_000)), writer.flush()]);
    expect(await found()).toEqual(['id-0', 'id-24999', 'id-25000', 'id-30000']);
    await Promise.all([writer.write(batch(35_000, 15_000)), writer.flush()]);
    expect(await found()).toEqual(['id-0', 'id-24999', 'id-25000', 'id-30000', 'id-49999']);
    await writer.close();
    expect(
      await collect(checkStore(store, {}, ctx)).then((all) => all.filter((f) => f.finding !== 'RUN_MISSING')),
    ).toEqual([]);
  });
});
