import { execFileSync } from 'node:child_process';
import { linkSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SymlinkPolicy } from '../../src/io/look.ts';
import { type RawPath, toRaw } from '../../src/io/raw-path.ts';
import { type WalkEntry, type WalkOptions, walk } from '../../src/io/walk.ts';
import { makeFifos } from '../support/fifo.ts';

const posix = process.platform !== 'win32';
const isRoot = process.getuid?.() === 0;

let base: string;
let root: string;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'sluice-walk-')));
  root = join(base, 'source');
  await mkdir(root);
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function put(...paths: (string | Buffer)[]): Promise<void> {
  for (const path of paths) {
    const full = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]);
    await mkdir(full.subarray(0, full.lastIndexOf('/')), { recursive: true });
    await writeFile(full, 'x');
  }
}

async function entries(options: Partial<WalkOptions<string>> = {}): Promise<WalkEntry<string>[]> {
  const all = {
    symlinks: 'files',
    signal: new AbortController().signal,
    prune: async () => undefined,
    ...options,
  };
  const found: WalkEntry<string>[] = [];
  for await (const entry of walk(root, all as WalkOptions<string>)) found.push(entry);
  return found;
}

async function files(options: Partial<WalkOptions<string>> = {}): Promise<string[]> {
  return (await entries(options)).filter((e) => e.type === 'file').map((e) => e.path);
}

const typesOf = (found: WalkEntry<string>[]) =>
  Object.fromEntries(
    found.filter((e) => e.type !== 'entered').map((e) => [e.path, 'why' in e ? e.why : e.type]),
  );

describe('the walk', () => {
  it('goes in the byte order of the full paths, a directory as its name and a slash', async () => {
    await put('b', 'a/z', 'a.jpg', 'a-b', 'a/b/c', 'a0', 'B', 'ä');
    const found = await files();
    expect(found).toEqual(['B', 'a-b', 'a.jpg', 'a/b/c', 'a/z', 'a0', 'b', toRaw('ä')]);
    expect(await files()).toEqual(found);
  });

  it('gives the same order from memory and from spill files, for any tree', async () => {
    const component = fc.stringMatching(/^[a-c.\-0#]{1,3}$/).filter((text) => !/^\.+$/.test(text));
    const tree = fc.array(fc.array(component, { minLength: 1, maxLength: 3 }), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 1, max: 4 }), async (paths, spillAfter) => {
        await rm(root, { recursive: true, force: true });
        await mkdir(root);
        // A name that one path uses for a directory may be another's file: whichever comes first stays.
        for (const path of paths) await put(path.join('/')).catch(() => undefined);
        const found = await files();
        expect(found).toEqual([...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        expect(await files({ spillAfter, tmpDir: base })).toEqual(found);
        expect(await readdir(base)).toEqual(['source']);
      }),
      { numRuns: 40 },
    );
  });

  it.runIf(posix)(
    'lists a directory of 120 000 names in order, holding a spill of them at a time',
    async () => {
      const long = 'n'.repeat(180);
      // Hard links are made faster than files; file systems allow a file some 65 000 of them.
      for (const file of ['0', '1', '2']) writeFileSync(join(base, file), '');
      for (let i = 0; i < 120_000; i++)
        linkSync(join(base, `${i % 3}`), `${root}/${(i * 7919) % 1_000_003}${long}`);
      const script = `
      import { walk } from '${new URL('../../src/io/walk.ts', import.meta.url)}';
      const [, root, tmpDir] = process.argv;
      const { signal } = new AbortController();
      const options = { symlinks: 'files', signal, spillAfter: 4096, tmpDir, prune: async () => undefined };
      let count = 0, last = '', ordered = true;
      for await (const entry of walk(root, options)) {
        if (entry.type !== 'file') continue;
        count++;
        ordered &&= entry.path > last;
        last = entry.path;
      }
      console.log(JSON.stringify({ count, ordered }));`;
      // Node itself needs 10 MB of this heap; the names alone are 25 MB.
      const flags = [
        '--max-old-space-size=24',
        '--max-semi-space-size=1',
        '--input-type=module',
        '-e',
        script,
      ];
      const out = execFileSync(process.execPath, [...flags, root, base], { encoding: 'utf8' });
      expect(JSON.parse(out)).toEqual({ count: 120_000, ordered: true });
    },
    60_000,
  );

  it.runIf(posix)('names FIFOs, sockets and devices without opening them', async () => {
    await put('a');
    makeFifos(join(root, 'fifo'));
    await symlink('/dev/zero', join(root, 'zero'));
    const server = createServer().listen(join(root, 'socket'));
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const found = await entries({ symlinks: 'follow' });
      expect(found.filter((e) => e.type === 'special').map((e) => [e.path, e.what])).toEqual([
        ['fifo', 'FIFO'],
        ['socket', 'socket'],
        ['zero', 'character device'],
      ]);
    } finally {
      server.close();
    }
  });

  it.runIf(posix).each<[SymlinkPolicy, Record<string, string>]>([
    [
      'files',
      {
        'in.jpg': 'file',
        'folder/a.jpg': 'file',
        'to-file': 'file',
        'to-folder': 'it leads to a folder',
        'to-outside': 'it leads out of the source',
        'to-outside-folder': 'it leads to a folder',
        broken: 'unknown',
        self: 'it leads back to itself',
        'folder/up': 'it leads to a folder',
      },
    ],
    [
      'skip',
      {
        'in.jpg': 'file',
        'folder/a.jpg': 'file',
        'to-file': 'links are skipped',
        'to-folder': 'links are skipped',
        'to-outside': 'links are skipped',
        'to-outside-folder': 'links are skipped',
        broken: 'links are skipped',
        self: 'links are skipped',
        'folder/up': 'links are skipped',
      },
    ],
    [
      'follow',
      {
        'in.jpg': 'file',
        'folder/a.jpg': 'file',
        'to-file': 'file',
        'to-folder/a.jpg': 'file',
        'to-folder/up': 'it leads back to a folder above it',
        'to-outside': 'file',
        'to-outside-folder/b.jpg': 'file',
        broken: 'unknown',
        self: 'it leads back to itself',
        'folder/up': 'it leads back to a folder above it',
      },
    ],
  ])('treats links by the policy %s', async (symlinks, expected) => {
    await put('in.jpg', 'folder/a.jpg');
    await mkdir(join(base, 'outside'));
    await writeFile(join(base, 'outside', 'b.jpg'), 'x');
    await symlink('folder/a.jpg', join(root, 'to-file'));
    await symlink('folder', join(root, 'to-folder'));
    await symlink('../outside/b.jpg', join(root, 'to-outside'));
    await symlink(join(base, 'outside'), join(root, 'to-outside-folder'));
    await symlink('nowhere', join(root, 'broken'));
    await symlink('self', join(root, 'self'));
    await symlink('..', join(root, 'folder', 'up'));
    expect(typesOf(await entries({ symlinks }))).toEqual(expected);
  });

  it.runIf(posix)('ends on folders that link to each other, listing each once more', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `d${i}`);
    await put(...names.map((name) => `${name}/f`));
    for (const from of names) for (const to of names) await symlink(`../${to}`, join(root, from, `to-${to}`));
    const found = await files({ symlinks: 'follow' });
    expect(found.length).toBeLessThanOrEqual(2 * names.length);
    expect(found).toEqual(expect.arrayContaining(names.map((name) => `${name}/f`)));
  });

  it.runIf(posix)('gives what a followed link led to as the real path', async () => {
    await put('folder/a.jpg');
    await symlink('folder/a.jpg', join(root, 'link'));
    const link = (await entries()).find((e) => e.path === 'link');
    expect(link).toMatchObject({ type: 'file', real: toRaw(join(root, 'folder', 'a.jpg')) });
  });

  it.runIf(process.platform === 'linux')('keeps the bytes of names that are not UTF-8', async () => {
    const name = Buffer.from('caf\xe9.jpg', 'latin1');
    await put(name, 'café.jpg');
    expect(await files()).toEqual([toRaw('café.jpg'), toRaw(name)].sort());
  });

  it('does not read a pruned directory and hands on why', async () => {
    await put('keep/a', 'drop/b', 'keep/drop/c');
    const pruned: string[] = [];
    const found = await entries({
      prune: async (path, real) => {
        pruned.push(path);
        expect(real).toBe(toRaw(join(root, path)));
        return path.endsWith('drop') ? 'dropped' : undefined;
      },
    });
    expect(found.filter((e) => e.type === 'pruned')).toEqual([
      { type: 'pruned', path: 'drop', by: 'dropped' },
      { type: 'pruned', path: 'keep/drop', by: 'dropped' },
    ]);
    expect(pruned).toEqual(['', 'drop', 'keep', 'keep/drop']);
  });

  it('names a directory that vanished, and goes on', async () => {
    await put('a/1', 'b/1', 'c/1');
    const found = await entries({
      prune: async (path) => {
        if (path === 'b') await rm(join(root, 'b'), { recursive: true });
        return undefined;
      },
    });
    expect(found.find((e) => e.path === 'b')).toMatchObject({
      type: 'unreadable',
      error: { code: 'ENOENT' },
    });
    expect(found.filter((e) => e.type === 'file').map((e) => e.path)).toEqual(['a/1', 'c/1']);
  });

  it('names a file that vanished after its directory was read', async () => {
    await put('a/1', 'b', 'c');
    const found = await entries({
      prune: async (path) => {
        if (path === 'a') await rm(join(root, 'c'));
        return undefined;
      },
    });
    expect(found.find((e) => e.path === 'c')).toMatchObject({ type: 'unknown', error: { code: 'ENOENT' } });
  });

  it('says that a directory changed while it was read', async () => {
    await put('a/1', 'b/1');
    const found = await entries({
      prune: async (path) => {
        if (path === 'b') await utimes(join(root, 'b'), 1, 1);
        return undefined;
      },
    });
    const changed = Object.fromEntries(
      found.flatMap((e) => (e.type === 'entered' ? [[e.path, e.changed]] : [])),
    );
    expect(changed).toEqual({ '': false, a: false, b: true });
  });

  it('names a root that is gone', async () => {
    await rm(root, { recursive: true });
    expect(await entries()).toMatchObject([{ type: 'unreadable', path: '', error: { code: 'ENOENT' } }]);
  });

  it.runIf(posix)('names a directory that may not be read, and lists the rest', async () => {
    await put('a/1', 'closed/1', 'z');
    await chmod(join(root, 'closed'), 0);
    const script = `
      import { walk } from '${new URL('../../src/io/walk.ts', import.meta.url)}';
      const options = { symlinks: 'files', signal: new AbortController().signal, prune: async () => undefined };
      const found = await Array.fromAsync(walk(process.argv[1], options));
      console.log(JSON.stringify(found.map((e) => [e.path, e.type, e.error?.code])));`;
    // Root reads everything, so the walk runs as a user that may not; its code is loaded before it steps down.
    const stepDown = isRoot ? 'process.setgid(65534); process.setuid(65534);' : '';
    await chmod(base, 0o755);
    const source = script.replace('const options', `${stepDown} const options`);
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', source, root], {
      encoding: 'utf8',
    });
    await chmod(join(root, 'closed'), 0o755);
    expect(JSON.parse(out)).toEqual([
      ['', 'entered', null],
      ['a', 'entered', null],
      ['a/1', 'file', null],
      ['closed', 'unreadable', 'EACCES'],
      ['z', 'file', null],
    ]);
  });

  it('stops with the reason of the signal, and leaves no spill file', async () => {
    await put(...Array.from({ length: 50 }, (_, i) => `f${i}`));
    const control = new AbortController();
    const walking = (async () => {
      for await (const entry of walk(root, {
        symlinks: 'files',
        signal: control.signal,
        spillAfter: 5,
        tmpDir: base,
        prune: async () => undefined,
      })) {
        if (entry.path === ('f3' as RawPath)) control.abort(new Error('enough'));
      }
    })();
    await expect(walking).rejects.toThrow('enough');
    expect(await readdir(base)).toEqual(['source']);
  });
});
