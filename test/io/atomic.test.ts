import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { tempFolder } from '../support/temp-folder.ts';

describe('writeFileAtomic', () => {
  it('writes text and bytes, replaces what is there and leaves nothing beside it', async () => {
    const folder = await tempFolder();
    const path = join(folder, 'run.json');
    await writeFileAtomic(path, '{"a":1}');
    await writeFileAtomic(path, Buffer.from('{"a":"ü"}'));
    expect(await readFile(path, 'utf8')).toBe('{"a":"ü"}');
    expect(await readdir(folder)).toEqual(['run.json']);
  });

  it('is not disturbed by what a crash left behind', async () => {
    const folder = await tempFolder();
    const path = join(folder, 'run.json');
    await writeFile(`${path}.part`, 'half of something much longer');
    await writeFileAtomic(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['run.json']);
  });

  it('keeps the old file and no part of the new one when it fails', async () => {
    const folder = await tempFolder();
    const path = join(folder, 'taken');
    await mkdir(join(path, 'by a folder'), { recursive: true });
    await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({
      name: 'FatalError',
      code: 'STORE_WRITE_FAILED',
      message: expect.stringContaining(path),
    });
    expect(await readdir(folder)).toEqual(['taken']);
  });
});
