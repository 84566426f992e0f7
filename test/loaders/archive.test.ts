import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalFile } from '../../src/io/zip/local-file.ts';
import { type ArchiveFile, listArchive } from '../../src/loaders/archive.ts';
import { zip } from '../../src/loaders/zip.ts';
import type { Listed, ListingProof } from '../../src/model/contracts.ts';
import { testContext } from '../support/context.ts';
import { openCount } from '../support/open-files.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

const options = zip.options.parse({ labels: 'folder' });

async function twoEntries(): Promise<string> {
  const path = join(await tempFolder(), 'x.zip');
  writeZip(path, [
    { name: '1.txt', data: 'one' },
    { name: 'c/2.txt', data: 'two' },
  ]);
  return path;
}

const at = (file: string) => ({ open: () => LocalFile.open(file) });

async function list(archive: ArchiveFile): Promise<{ listed: Listed[]; proof: ListingProof }> {
  const entries = listArchive(archive, options, testContext());
  const listed: Listed[] = [];
  for (;;) {
    const next = await entries.next();
    if (next.done) return { listed, proof: next.value };
    listed.push(next.value);
  }
}

describe('an archive among other files', () => {
  it('is listed under its own path, its root being the folder it lies in', async () => {
    const { listed } = await list({ ...at(await twoEntries()), uri: 'a/b/x.zip' });
    expect(listed).toMatchObject([
      { uri: 'a/b/x.zip!/1.txt', concepts: [{ id: 'b' }] },
      { uri: 'a/b/x.zip!/c/2.txt', concepts: [{ id: 'c' }] },
    ]);
  });

  it('gives ids that differ from those of an archive of the same name elsewhere', async () => {
    const file = await twoEntries();
    const ids = [
      await list({ ...at(file), uri: 'a/x.zip' }),
      await list({ ...at(file), uri: 'b/x.zip' }),
    ].flatMap(({ listed }) => listed.map((l) => ('id' in l ? l.id : undefined)));
    expect(new Set(ids).size).toBe(4);
  });

  it('that is gone when it is opened is one failed item', async () => {
    const file = join(await tempFolder(), 'gone.zip');
    const { listed, proof } = await list({ ...at(file), uri: 'gone.zip' });
    expect(listed).toMatchObject([{ uri: 'gone.zip', outcome: 'failed', code: 'INPUT_NOT_FOUND' }]);
    expect(proof.complete).toBe(true);
  });

  it('that changed since it was found is one failed item', async () => {
    const file = await twoEntries();
    const { listed } = await list({ ...at(file), uri: 'x.zip', fingerprint: '1-1' });
    expect(listed).toMatchObject([{ uri: 'x.zip', outcome: 'failed', code: 'INPUT_CHANGED_WHILE_READ' }]);
  });

  it('that changes while it is listed leaves no proof, and says why', async () => {
    const file = await twoEntries();
    const entries = listArchive({ ...at(file), uri: 'x.zip' }, options, testContext());
    await entries.next();
    utimesSync(file, new Date(), new Date(1000));
    await entries.next();
    expect((await entries.next()).value).toEqual({
      complete: false,
      reason: 'x.zip changed while it was listed',
    });
  });

  it('is closed when the listing ends, is left or is aborted', async () => {
    const file = await twoEntries();
    await list({ ...at(file), uri: 'x.zip' });
    expect(await openCount(file)).toBeOneOf([0, undefined]);

    for await (const _ of listArchive({ ...at(file), uri: 'x.zip' }, options, testContext())) break;
    expect(await openCount(file)).toBeOneOf([0, undefined]);

    const controller = new AbortController();
    const entries = listArchive(
      { ...at(file), uri: 'x.zip' },
      options,
      testContext({ signal: controller.signal }),
    );
    await entries.next();
    expect(await openCount(file)).toBeOneOf([1, undefined]);
    controller.abort();
    await expect(entries.next()).rejects.toThrow();
    expect(await openCount(file)).toBeOneOf([0, undefined]);
  });
});
