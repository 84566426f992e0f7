import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportDataset } from '../../../src/pipeline/export/export.ts';
import { runReport } from '../../../src/pipeline/shapes.ts';
import { createVersion, openReader } from '../../../src/stores/index.ts';
import { accounted } from '../../support/accounts.ts';
import { ledgerOf } from '../../support/cli.ts';
import { testContext } from '../../support/context.ts';
import { lineExporter } from '../../support/line-exporter.ts';
import { contentOf, storeWith } from './support.ts';

const folder = lineExporter({ writes: 'folder' });
const file = lineExporter({ writes: 'file' });

const linesOf = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).id as string);

describe('an export', () => {
  it('accounts for every input of the version, in the ledger and in the report', async () => {
    const { root, store } = await storeWith({ images: 3, texts: 2 });
    const out = join(root, 'out');
    const report = await exportDataset({ store, dataset: 'pets', format: folder, out });
    runReport.parse(report);
    expect(report).toMatchObject({
      command: 'export',
      status: 'complete',
      exitCode: 0,
      totals: { listed: 5, ok: 3, skipped: 2, rejected: 0, failed: 0 },
      byCode: { EXPORTED: 3, EXPORT_UNSUPPORTED: 2 },
      annotations: { totals: { listed: 3, ok: 3 } },
      export: { format: 'lines', out, losses: {}, annotations: { written: 3, leftOut: 0 } },
    });
    expect(report.export!.version).toMatch(/^auto-generated-\d{8}T\d{9}$/);
    accounted(store, report);
    expect(await linesOf(join(out, 'lines.jsonl'))).toEqual(['image-000', 'image-001', 'image-002']);
    expect(JSON.parse(await readFile(report.report!, 'utf8'))).toEqual(report);
    expect((await readdir(root)).sort()).toEqual(['out', 'source', 'store']);
    const there = await contentOf(out);
    expect(report.export!.files!.count).toBe(Object.keys(there).length - 1);
  });

  it('gives the same bytes for the same version, wherever it is written', async () => {
    const { root, store } = await storeWith();
    const first = await exportDataset({
      store,
      dataset: 'pets',
      format: folder,
      out: join(root, 'a', 'out'),
    });
    const { version } = first.export!;
    await exportDataset({ store, dataset: 'pets', version, format: folder, out: join(root, 'b', 'out') });
    expect(await contentOf(join(root, 'a', 'out'))).toEqual(await contentOf(join(root, 'b', 'out')));
  });

  it('names the input whose bytes are gone and goes on with the others', async () => {
    const { root, store } = await storeWith();
    await rm((await blobsOf(store))[0]!);
    const report = await exportDataset({ store, dataset: 'pets', format: folder, out: join(root, 'out') });
    expect(report).toMatchObject({
      exitCode: 2,
      status: 'complete',
      totals: { listed: 3, ok: 2, failed: 1 },
      byCode: { INPUT_NOT_FOUND: 1 },
    });
    const [failed] = ledgerOf(store, report.runId).filter(({ outcome }) => outcome === 'failed');
    expect(failed!.message).toContain(failed!.inputId!);
  });

  it('refuses a format that can carry nothing of the version, before anything is written', async () => {
    const { root, store } = await storeWith({ images: 0, texts: 2 });
    const request = { store, dataset: 'pets', format: folder, out: join(root, 'out') };
    await expect(exportDataset(request)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('lines carries image only'),
    });
    expect((await readdir(root)).sort()).toEqual(['source', 'store']);
  });

  it.each([
    ['inputs', { dataset: 'pest' }, 'DATASET_NOT_FOUND'],
    ['versions', { version: 'v7' }, 'DATASET_VERSION_NOT_FOUND'],
    ['options', { options: { shouting: true } }, 'CONFIG_INVALID'],
    ['places', { out: 'gs://bucket/pets' }, 'CONFIG_INVALID'],
    ['filters', { filter: 'hers' }, 'FILTER_NOT_FOUND'],
  ])('refuses unknown %s', async (_what, given, code) => {
    const { root, store } = await storeWith({ images: 1 });
    const request = { store, dataset: 'pets', format: folder, out: join(root, 'out'), ...given };
    await expect(exportDataset(request)).rejects.toMatchObject({ code });
  });

  it('ends as incomplete, and keeps its name back, when it does not have what the version has', async () => {
    const { root, store } = await storeWith();
    const lying = lineExporter({
      writes: 'folder',
      distort: (result) => ({ ...result, annotations: { written: 2, leftOut: 0 } }),
    });
    const lacking = lineExporter({
      writes: 'folder',
      distort: (result) => ({ ...result, files: [...result.files, { path: 'gone.bin', bytes: 1 }] }),
    });
    for (const [format, said] of [
      [lying, '3 annotations; 2'],
      [lacking, 'gone.bin'],
    ] as const) {
      const out = join(root, said);
      const report = await exportDataset({ store, dataset: 'pets', format, out });
      expect(report).toMatchObject({ status: 'failed', exitCode: 3, error: { code: 'EXPORT_INCOMPLETE' } });
      expect(report.error!.message).toContain(said);
      expect(existsSync(out)).toBe(false);
    }
  });

  it('is not written to a place by two at once', async () => {
    const { root, store } = await storeWith();
    const { id: version } = await createVersion(store, { dataset: 'pets' }, testContext());
    const to = (out: string) =>
      exportDataset({ store, dataset: 'pets', version, format: folder, out: join(root, out) });
    const both = await Promise.allSettled([to('out'), to('out')]);
    const [lost] = both.filter((each) => each.status === 'rejected');
    expect(lost).toMatchObject({ reason: { message: expect.stringContaining(join(root, 'out')) } });
    expect(['STORE_LOCKED', 'OUTPUT_EXISTS']).toContain(lost!.reason.code);
    await to('other/out');
    expect(await contentOf(join(root, 'out'))).toEqual(await contentOf(join(root, 'other', 'out')));
  });

  it('leaves no version behind that it made for a format which carries nothing of it', async () => {
    const { root, store } = await storeWith({ images: 0, texts: 2 });
    const exporting = exportDataset({ store, dataset: 'pets', format: folder, out: join(root, 'out') });
    await expect(exporting).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const reader = await openReader(store);
    expect(await reader.listVersions('pets')).toEqual([]);
    reader.close();
  });

  it('says what was meant, also when it is dry', async () => {
    const { root, store } = await storeWith();
    const asked = { store, dataset: 'pets', format: folder, out: join(root, 'out'), dryRun: true };
    await expect(exportDataset({ ...asked, dataset: 'pet' })).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
      message: expect.stringContaining('did you mean pets?'),
    });
    await expect(exportDataset({ ...asked, filter: 'nope' })).rejects.toMatchObject({
      code: 'FILTER_NOT_FOUND',
    });
  });

  it('says what it would write, and writes nothing, when it is dry', async () => {
    const { root, store } = await storeWith({ images: 3, texts: 2 });
    const before = await contentOf(root);
    const report = await exportDataset({
      store,
      dataset: 'pets',
      format: folder,
      out: join(root, 'out'),
      dryRun: true,
    });
    runReport.parse(report);
    expect(report).toMatchObject({
      dryRun: true,
      exitCode: 0,
      totals: { listed: 5, ok: 3, skipped: 2 },
      byKind: { image: 3 },
      export: { version: 'auto-generated', losses: {}, lossTable: [{ id: 'segments' }] },
    });
    expect(report.export!.estimatedBytes).toBeGreaterThan(0);
    expect(await contentOf(root)).toEqual(before);
    const made = await exportDataset({ store, dataset: 'pets', format: folder, out: join(root, 'out') });
    expect(report.export!.contentHash).toBe(made.export!.contentHash);
  });

  it('is refused before anything is written when the disk has no room for it', async () => {
    const { root, store } = await storeWith({ images: 1 });
    const huge = { ...folder, estimate: () => 1e18 };
    const request = { store, dataset: 'pets', format: huge, out: join(root, 'out') };
    await expect(exportDataset(request)).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect((await readdir(root)).sort()).toEqual(['source', 'store']);
  });

  it('of a dataset without inputs is whole and empty', async () => {
    const { root, store } = await storeWith({ images: 0, texts: 0 });
    const report = await exportDataset({ store, dataset: 'pets', format: file, out: join(root, 'x.jsonl') });
    expect(report).toMatchObject({ exitCode: 0, totals: { listed: 0 } });
    expect(await readFile(join(root, 'x.jsonl'), 'utf8')).toBe('');
  });
});

describe('the place of an export', () => {
  it('is left alone when something else is there', async () => {
    const { root, store } = await storeWith({ images: 1 });
    const out = join(root, 'out');
    await mkdir(out);
    await writeFile(join(out, 'thesis.txt'), 'mine');
    for (const overwrite of [false, true]) {
      const request = { store, dataset: 'pets', format: folder, out, overwrite };
      await expect(exportDataset(request)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    }
    await writeFile(join(root, 'x.jsonl'), 'mine');
    for (const name of ['x.jsonl', 'source']) {
      const request = { store, dataset: 'pets', format: file, out: join(root, name), overwrite: true };
      await expect(exportDataset(request)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    }
    await writeFile(join(root, 'y.jsonl.README.md'), 'mine');
    const beside = { store, dataset: 'pets', format: file, out: join(root, 'y.jsonl'), overwrite: true };
    await expect(exportDataset(beside)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readFile(join(out, 'thesis.txt'), 'utf8')).toBe('mine');
    expect(await readFile(join(root, 'x.jsonl'), 'utf8')).toBe('mine');
  });

  it.each([
    ['folder', folder],
    ['file', file],
  ] as const)('that is a %s of ours is replaced only on request', async (_writes, format) => {
    const { root, store } = await storeWith({ images: 2 });
    const out = join(root, 'out');
    const request = { store, dataset: 'pets', format, out };
    await exportDataset(request);
    const before = await contentOf(root);
    await expect(exportDataset(request)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('--overwrite'),
    });
    const again = await exportDataset({ ...request, overwrite: true, options: { shout: true } });
    expect(again).toMatchObject({ exitCode: 0 });
    const after = await contentOf(root);
    expect(Object.keys(after).filter((path) => path.startsWith('out'))).toEqual(
      Object.keys(before).filter((path) => path.startsWith('out')),
    );
    const lines = format.writes === 'folder' ? join(out, 'lines.jsonl') : out;
    expect(await linesOf(lines)).toEqual(['IMAGE-000', 'IMAGE-001']);
  });

  it('keeps files that were put into an export of ours', async () => {
    const { root, store } = await storeWith({ images: 1 });
    const out = join(root, 'out');
    const request = { store, dataset: 'pets', format: folder, out, overwrite: true };
    await exportDataset(request);
    await writeFile(join(out, 'notes.txt'), 'mine');
    await expect(exportDataset(request)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('notes.txt'),
    });
  });
});

async function blobsOf(store: string): Promise<string[]> {
  const entries = await readdir(join(store, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
