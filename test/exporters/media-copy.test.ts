import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyMedia, isCopied, mediaName, safeName } from '../../src/exporters/media-copy.ts';
import { KeyTable } from '../../src/io/key-table.ts';
import { tempFolder } from '../support/temp-folder.ts';

const names = (uris: readonly string[], format = 'jpeg'): string[] => {
  const taken = new KeyTable({ values: false });
  return uris.map((uri, i) => mediaName({ id: `id-${i}`, uri, media: { format } }, taken));
};

describe('the name of a file in an export', () => {
  it('is the one that the file had', () => {
    expect(names(['cat.jpg', 'a/b/Dög 1.JPEG', 'x.zip!/in/c.jpg', './d%2520.jpg'])).toEqual([
      'cat.jpg',
      'Dög 1.JPEG',
      'c.jpg',
      'd%20.jpg',
    ]);
  });

  it('has the extension of the real format', () => {
    expect(names(['cat.png', 'report.v2', 'noextension', '.jpg'])).toEqual([
      'cat.jpg',
      'report.v2.jpg',
      'noextension.jpg',
      '_jpg.jpg',
    ]);
  });

  it('is the id of a row of a table', () => {
    expect(names(['list.csv#L12', 'list.csv#L13#2'])).toEqual(['id-0.jpg', 'id-1.jpg']);
  });

  it('gets a suffix where another file has it, in any case, form or extension', () => {
    const [first, ...others] = names(['a/É.jpg', 'b/É.jpg', 'b/é.jpg', 'É.JPEG', 'É.jpg#2'.normalize('NFD')]);
    expect(first).toBe('É.jpg');
    for (const name of others) expect(name).toMatch(/^[Éé]-[0-9a-z]{16}\.jpe?g$/i);
    expect(new Set(others).size).toBe(4);
  });

  it('is one that Windows can have', () => {
    expect(names(['CON.jpg', 'a:b|c.jpg', 'nul', 'lpt1.tar.jpg', 'end. .jpg', ' ..jpg'])).toEqual([
      '_CON.jpg',
      'a_b_c.jpg',
      '_nul.jpg',
      '_lpt1.tar.jpg',
      'end_.jpg',
      expect.stringMatching(/^_/),
    ]);
  });

  it('is safe and unique whatever the names are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 400 })), (uris) => {
        const given = names(uris);
        const keys = given.map((name) =>
          name
            .replace(/\.jpe?g$/i, '')
            .normalize('NFKC')
            .toLowerCase(),
        );
        expect(new Set(keys).size).toBe(given.length);
        for (const name of given) {
          expect(name).not.toMatch(/[/\\:*?"<>|]|^\.|[. ]$/);
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        }
      }),
    );
  });

  it('of a split is safe as well', () => {
    const taken = new KeyTable({ values: false });
    expect(safeName('../train', taken)).toBe('__train');
    expect(safeName('..\\train', taken)).toMatch(/^__train-[0-9a-z]{16}$/);
  });
});

describe('copying into an export', () => {
  it('replaces a file that is there, even one that may not be written', async () => {
    const folder = await tempFolder();
    const [path, to] = [join(folder, 'blob'), join(folder, 'copy.jpg')];
    await writeFile(path, 'the bytes');
    await writeFile(to, 'an earlier attempt');
    await chmod(to, 0o444);
    await copyMedia({ path, bytes: 9 }, to);
    expect(await readFile(to, 'utf8')).toBe('the bytes');
    await copyMedia({ buffer: Buffer.from('others') }, join(folder, 'buffer'));
    expect(await isCopied(join(folder, 'buffer'), 6)).toBe(true);
    expect(await isCopied(join(folder, 'nothing'), 6)).toBe(false);
  });

  it('tells bytes that are gone or cut off from a file that cannot be written', async () => {
    const folder = await tempFolder();
    const path = join(folder, 'blob');
    const copy = (to: string, bytes = 9) => copyMedia({ path, bytes }, join(folder, to));
    await expect(copy('a')).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await writeFile(path, 'the bytes');
    await expect(copy('a', 10)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND', measured: 9, limit: 10 });
    await expect(stat(join(folder, 'a'))).rejects.toThrow('ENOENT');
    await expect(copy('no-folder/a')).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' });
    await mkdir(join(folder, 'folder'));
    await expect(copy('folder')).rejects.toThrow();
  });
});
