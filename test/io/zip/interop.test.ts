import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import unzipper from 'unzipper';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../support/temp-folder.ts';
import { writeZip } from '../../support/zip-writer.ts';
import { openZip, readEntry } from './reading.ts';

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const hasZip = has('zip', '-v');
const hasUnzip = has('unzip', '-v');
const hasPython = has('python3', '-c', 'import zipfile');

const TEXT = 'many words, many words, '.repeat(20_000);
const FILES: readonly (readonly [name: string, content: string])[] = [
  ['ä/ö.txt', 'umlauts'],
  ['empty', ''],
  ['long.txt', TEXT],
  ['a b/[c].txt', 'brackets'],
];

async function filesIn(): Promise<string> {
  const folder = await tempFolder();
  for (const [name, content] of FILES) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

async function expectAllFiles(path: string): Promise<void> {
  const zip = await openZip(path);
  expect(zip.entries.some((e) => e.overlaps || e.repeated)).toBe(false);
  for (const [name, content] of FILES) expect((await readEntry(zip, name)).toString()).toBe(content);
}

describe('archives of other programs', () => {
  it.runIf(hasZip).each([['-r'], ['-r', '-0'], ['-r', '-9'], ['-r', '-fz'], ['-r', '-fd']])(
    'of Info-ZIP are read: zip %s %s',
    async (...flags) => {
      const folder = await filesIn();
      execFileSync('zip', ['-q', ...flags, 'x.zip', '.'], { cwd: folder });
      await expectAllFiles(join(folder, 'x.zip'));
    },
  );

  it.runIf(hasZip)('of Info-ZIP are read when they come out of a pipe', async () => {
    const folder = await filesIn();
    writeFileSync(join(folder, 'x.zip'), execFileSync('zip', ['-q', '-r', '-', '.'], { cwd: folder }));
    await expectAllFiles(join(folder, 'x.zip'));
  });

  it.runIf(hasPython)('of Python are read, and its other methods named', async () => {
    const folder = await filesIn();
    const script = `
import sys, zipfile
with zipfile.ZipFile('x.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for name in sys.argv[1:]: z.write(name)
    z.writestr('b.txt', 'x' * 1000, zipfile.ZIP_BZIP2)
    z.writestr('l.txt', 'x' * 1000, zipfile.ZIP_LZMA)
    with z.open('forced.txt', 'w', force_zip64=True) as f: f.write(b'zip64')
`;
    execFileSync('python3', ['-c', script, ...FILES.map(([name]) => name)], { cwd: folder });
    await expectAllFiles(join(folder, 'x.zip'));
    const zip = await openZip(join(folder, 'x.zip'));
    expect(zip.entries.map((e) => [e.name, e.method]).slice(-3)).toEqual([
      ['b.txt', 12],
      ['l.txt', 14],
      ['forced.txt', 8],
    ]);
    expect((await readEntry(zip, 'forced.txt')).toString()).toBe('zip64');
  });
});

describe('the archives that the tests write', () => {
  const specs = [
    { name: 'deflated.txt', data: TEXT },
    { name: 'stored.txt', data: TEXT, method: 0 },
    { name: 'descriptor.txt', data: TEXT, descriptor: true },
    { name: 'zip64.txt', data: TEXT, zip64: true },
  ];

  it.runIf(hasUnzip)('are read by unzip as by us', async () => {
    const path = join(await tempFolder(), 'x.zip');
    writeZip(path, specs);
    const zip = await openZip(path);
    for (const { name } of specs) {
      expect((await readEntry(zip, name)).equals(execFileSync('unzip', ['-p', path, name]))).toBe(true);
    }
  });

  it('are read by unzipper as by us', async () => {
    const path = join(await tempFolder(), 'x.zip');
    writeZip(path, specs, { zip64: true });
    const zip = await openZip(path);
    const { files } = await unzipper.Open.file(path);
    expect(files.map((file) => file.path)).toEqual(zip.entries.map((entry) => entry.name));
    for (const file of files)
      expect((await readEntry(zip, file.path)).equals(await file.buffer())).toBe(true);
  });
});
