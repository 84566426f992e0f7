import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { detectSource, loaderNames, loadLoader, tableOf } from '../../src/loaders/index.ts';
import { makeFifos } from '../support/fifo.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

const ROOM = new URL('../../src/loaders/', import.meta.url);

const isComponent = (value: unknown): value is { name: string } =>
  typeof value === 'object' && value !== null && 'detect' in value && 'open' in value && 'options' in value;

describe('the table of loaders', () => {
  it('holds every component that a file of the folder exports, under its own name', async () => {
    const found: string[] = [];
    for (const file of await readdir(ROOM)) {
      const exported: Record<string, unknown> = await import(new URL(file, ROOM).href);
      found.push(
        ...Object.values(exported)
          .filter(isComponent)
          .map((component) => component.name),
      );
    }
    expect(found.sort()).toEqual([...loaderNames].sort());
    for (const name of loaderNames) expect((await loadLoader(name)).name).toBe(name);
  });

  it('refuses two loaders of one name', () => {
    const load = () => loadLoader('folder');
    expect(() =>
      tableOf([
        ['a', load],
        ['b', load],
        ['a', load],
      ]),
    ).toThrow('two loaders are named a');
  });

  it('names the loaders there are when asked for another', async () => {
    await expect(loadLoader('ftp')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `no loader is named ftp; there are ${loaderNames.join(', ')}`,
    });
  });

  it('has a description on every option, and refuses unknown ones', async () => {
    for (const name of loaderNames) {
      const { options, summary, example } = await loadLoader(name);
      expect(summary).not.toBe('');
      expect(example).toMatch(/^sluice (ingest|retry) /);
      expect(options.safeParse({ nosuchoption: 1 }).success).toBe(false);
      const { properties = {} } = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
      for (const [field, property] of Object.entries(properties)) {
        expect((property as { description?: string }).description, `${name}.${field}`).toBeTruthy();
      }
    }
  });
});

describe('detecting a source', () => {
  it.each([
    ['photos', 'folder'],
    ['rows.CSV', 'csv'],
    ['rows.tsv', 'csv'],
    ['urls.txt', 'url-list'],
    ['pack.zip', 'zip'],
    ['pack.bin', 'zip'],
  ])('takes %s for a %s and says why', async (name, expected) => {
    const path = join(await tempFolder(), name);
    if (name === 'photos') await mkdir(path);
    else if (name.startsWith('pack')) writeZip(path, [{ name: 'a.txt', data: 'x' }]);
    else await writeFile(path, name === 'urls.txt' ? 'https://example.org/a.jpg\n' : 'input\nhello\n');
    const { loader, reason } = await detectSource(path);
    expect(loader.name).toBe(expected);
    expect(reason).toMatch(/^an? /);
  });

  it('says what it saw when nothing fits', async () => {
    const path = join(await tempFolder(), 'photo.jpg');
    await writeFile(path, Buffer.from([0xff, 0xd8, 0xff]));
    const unrecognised = { name: 'FatalError', code: 'SOURCE_UNRECOGNISED' };
    await expect(detectSource(path)).rejects.toMatchObject(unrecognised);
    await expect(detectSource(path)).rejects.toThrow(/starts with the bytes ff d8 ff.*--source-type/);
    await expect(detectSource('ftp://host/folder')).rejects.toThrow('an address of the scheme ftp');
    await expect(detectSource('ftp://host/folder')).rejects.toMatchObject(unrecognised);
  });

  it.runIf(process.platform !== 'win32')('never opens a FIFO', async () => {
    const path = join(await tempFolder(), 'pipe.csv');
    makeFifos(path);
    await expect(detectSource(path)).rejects.toThrow('a FIFO, socket or device');
  });

  it('says that there is nothing', async () => {
    const path = join(await tempFolder(), 'nowhere');
    await expect(detectSource(path)).rejects.toMatchObject({ name: 'FatalError', code: 'SOURCE_NOT_FOUND' });
  });
});
