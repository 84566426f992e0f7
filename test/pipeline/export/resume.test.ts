import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportDataset } from '../../../src/pipeline/export/export.ts';
import { resume } from '../../../src/pipeline/resume.ts';
import { openReader } from '../../../src/stores/index.ts';
import { accounted } from '../../support/accounts.ts';
import { ledgerOf } from '../../support/cli.ts';
import { lineExporter } from '../../support/line-exporter.ts';
import { contentOf, storeWith } from './support.ts';

class Killed extends Error {}

/** The format, whose process dies when its turn comes to an input. */
function killedAt(id: string, writes: 'file' | 'folder' = 'folder') {
  return lineExporter({
    writes,
    before: (input) => {
      if (input.id === id) throw new Killed();
    },
  });
}

const whole = lineExporter({ writes: 'folder' });

describe('an export that was cut off', () => {
  it.each(
    (['file', 'folder'] as const).flatMap((writes) =>
      [0, 1, 5].flatMap((at) => [1, 2].map((every) => ({ writes, at, every }))),
    ),
  )(
    'of a $writes at input $at goes on from its last checkpoint (one every $every)',
    async ({ writes, at, every }) => {
      const { root, store } = await storeWith({ images: 6 });
      const format = lineExporter({ writes });
      const straight = join(root, 'straight', 'out');
      const first = await exportDataset({
        store,
        dataset: 'pets',
        format,
        out: straight,
        options: { every },
      });
      const { version } = first.export!;
      const request = { store, dataset: 'pets', version, out: join(root, 'cut', 'out'), options: { every } };
      const cut = await exportDataset({ ...request, format: killedAt(`image-00${at}`, writes) });
      expect(cut).toMatchObject({ status: 'failed', exitCode: 1 });
      const seen: string[] = [];
      const watched = lineExporter({ writes, before: ({ id }) => void seen.push(id) });
      const gone = await exportDataset({ ...request, format: watched });
      expect(gone).toMatchObject({
        runId: cut.runId,
        status: 'complete',
        exitCode: 0,
        totals: { listed: 6, ok: 6 },
      });
      expect(gone.export!.annotations).toEqual({ written: 6, leftOut: 0 });
      expect(seen).toHaveLength(6 - Math.floor(at / every) * every);
      accounted(store, gone);
      expect(ledgerOf(store, gone.runId).map(({ inputId }) => inputId)).toEqual(
        ledgerOf(store, first.runId).map(({ inputId }) => inputId),
      );
      expect(await contentOf(join(root, 'cut'))).toEqual(await contentOf(join(root, 'straight')));
    },
  );

  it('goes on without a named version when the dataset is still the same, and anew when it is not', async () => {
    const { root, store } = await storeWith({ images: 4 });
    const request = { store, dataset: 'pets', out: join(root, 'out') };
    const cut = await exportDataset({ ...request, format: killedAt('image-002') });
    const gone = await exportDataset({ ...request, format: whole });
    expect(gone).toMatchObject({ runId: cut.runId, exitCode: 0, export: { version: cut.export!.version } });
    const reader = await openReader(store);
    expect((await reader.listVersions('pets')).map(({ id }) => id)).toEqual([cut.export!.version]);
    reader.close();

    const other = { store, dataset: 'pets', out: join(root, 'other'), options: { every: 2 } };
    const again = await exportDataset({ ...other, format: killedAt('image-003') });
    const anew = await exportDataset({ ...other, format: whole, options: { shout: true } });
    expect(anew).toMatchObject({ exitCode: 0, totals: { listed: 4, ok: 4 } });
    expect(anew.runId).not.toBe(again.runId);
    accounted(store, anew);
  });

  it('is interrupted by the first Ctrl-C, and goes on by sluice resume as by the same command', async () => {
    const { root, store } = await storeWith({ images: 4 });
    const stop = new AbortController();
    const out = join(root, 'out');
    const format = lineExporter({
      writes: 'folder',
      before: ({ id }) => {
        if (id === 'image-001') stop.abort();
      },
    });
    const request = { store, dataset: 'pets', out };
    const cut = await exportDataset({ ...request, format }, { stop: stop.signal });
    expect(cut).toMatchObject({ status: 'interrupted', exitCode: 130, totals: { listed: 2, ok: 2 } });
    const gone = await resume({ store, runId: cut.runId, format: whole });
    expect(gone).toMatchObject({ runId: cut.runId, status: 'complete', totals: { listed: 4, ok: 4 } });
    expect(await resume({ store, runId: cut.runId })).toEqual(gone);
  });

  it('by a full disk says so, and goes on when there is room', async () => {
    const { root, store } = await storeWith({ images: 3 });
    const request = { store, dataset: 'pets', out: join(root, 'out') };
    const format = lineExporter({
      writes: 'folder',
      before: ({ id }) => {
        if (id === 'image-002') throw Object.assign(new Error('write'), { code: 'ENOSPC' });
      },
    });
    const full = await exportDataset({ ...request, format });
    expect(full).toMatchObject({ exitCode: 1, error: { code: 'STORE_FULL' }, totals: { listed: 2, ok: 2 } });
    const gone = await exportDataset({ ...request, format: whole });
    expect(gone).toMatchObject({ runId: full.runId, exitCode: 0, totals: { listed: 3, ok: 3 } });
  });

  it('takes another attempt for none of its own when the run folder is gone', async () => {
    const { root, store } = await storeWith({ images: 3 });
    const request = { store, dataset: 'pets', out: join(root, 'out') };
    const cut = await exportDataset({ ...request, format: killedAt('image-001') });
    await rename(join(store, 'runs', cut.runId), join(root, 'moved'));
    const anew = await exportDataset({ ...request, format: whole });
    expect(anew).toMatchObject({ exitCode: 0, totals: { listed: 3, ok: 3 } });
    expect(anew.runId).not.toBe(cut.runId);
  });
});
