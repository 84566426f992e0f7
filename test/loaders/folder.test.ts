import { readFileSync } from 'node:fs';
import { chmod, mkdir, realpath, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { toRaw } from '../../src/io/raw-path.ts';
import { folder } from '../../src/loaders/folder.ts';
import { sidecarsOf } from '../../src/loaders/sidecar.ts';
import { isOutcome } from '../../src/model/contracts.ts';
import { MAX_ID_LENGTH } from '../../src/model/ids.ts';
import { testContext } from '../support/context.ts';
import { makeFifos } from '../support/fifo.ts';
import { type Listing, listSource } from '../support/listing.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

const posix = process.platform !== 'win32';
const linux = process.platform === 'linux';

let base: string;
let root: string;
beforeEach(async () => {
  base = await realpath(await tempFolder());
  root = join(base, 'source');
  await mkdir(root);
});

/** Writes files; those given by name alone hold an `x`. */
async function put(...files: (string | Buffer | [path: string, content: string])[]): Promise<void> {
  for (const file of files) {
    const [path, content] = Array.isArray(file) ? file : [file, 'x'];
    const full = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]);
    await mkdir(full.subarray(0, full.lastIndexOf('/')), { recursive: true });
    await writeFile(full, content);
  }
}

const list = (options: Record<string, unknown> = {}, stores: string[] = []): Promise<Listing> =>
  listSource(folder, root, options, testContext(), stores);
const uris = ({ items }: Listing) => items.map((item) => item.uri);
const codes = ({ outcomes }: Listing) => Object.fromEntries(outcomes.map((o) => [o.uri, o.code]));
const concepts = ({ items }: Listing) =>
  Object.fromEntries(items.map((i) => [i.uri, i.concepts?.map((c) => c.id)]));

describe('a folder', () => {
  it('lists every file with size, fingerprint and an absolute path, whatever its name says', async () => {
    await put(['a/PHOTO.JPG', '12345'], ['a/noextension', '1'], ['notes.txt', '12']);
    await utimes(join(root, 'notes.txt'), 1, 1);
    const { items, outcomes, proof } = await list();
    expect(items.map(({ uri, size, fileName }) => [uri, size, fileName])).toEqual([
      ['a/PHOTO.JPG', 5, 'PHOTO.JPG'],
      ['a/noextension', 1, 'noextension'],
      ['notes.txt', 2, 'notes.txt'],
    ]);
    expect(items[2]!.fingerprint).toBe('2-1000000000');
    for (const item of items) expect(readFileSync(item.file!)).toHaveLength(item.size!);
    expect(outcomes).toEqual([]);
    expect(proof).toEqual({ complete: true, evidence: 'folders read to their end: 2, files found: 3' });
  });

  it('gives the same order and ids in every run, and wherever it lies', async () => {
    await put(
      'x/1.jpg',
      'y/1.jpg',
      'a.b.jpg',
      'a.c.jpg',
      'A.jpg',
      'a.jpg',
      'x-1.jpg',
      'x/1',
      'caf\u00e9.jpg',
    );
    const first = (await list()).items.map(({ uri, id }) => [uri, id]);
    await rename(root, join(base, 'elsewhere'));
    root = join(base, 'elsewhere');
    expect((await list()).items.map(({ uri, id }) => [uri, id])).toEqual(first);
    expect(first.map(([uri]) => uri)).toEqual(
      first.map(([uri]) => uri!).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });

  it('tells apart what differs in folder, case, dots, composition or bytes alone', async () => {
    const names = [
      'x/1.jpg',
      'y/1.jpg',
      'a.b.jpg',
      'a.c.jpg',
      'A.jpg',
      'a.jpg',
      'caf\u00e9',
      'cafe\u0301',
      '%41',
      'A',
    ];
    const odd = ['b\nc', 'end.', '-rf', '🦊.png', 'l.csv#L2', 'q?&=', 'x.zip!/1.jpg', ' ', '100%E9', 'a\\b'];
    await put(...names, ...odd);
    if (linux) await put(Buffer.from('100%\xe9', 'latin1'), Buffer.from('\xff/\xfe', 'latin1'));
    const { items } = await list({ labels: 'folder' });
    expect(items).toHaveLength(names.length + odd.length + (linux ? 2 : 0));
    expect(new Set(items.map((i) => i.id)).size).toBe(items.length);
    expect(new Set(items.map((i) => i.uri)).size).toBe(items.length);
    for (const { id } of items) expect(id).toMatch(new RegExp(`^[a-z0-9_-]{16,${MAX_ID_LENGTH}}$`));
    for (const item of items) expect(readFileSync(item.file!, 'utf8')).toBe('x');
  });

  it.runIf(linux)('shows the bytes of a name that is not UTF-8, and opens it by them', async () => {
    await put(Buffer.from('caf\xe9/\xff.jpg', 'latin1'));
    const { items } = await list({ labels: 'folder' });
    expect(items).toMatchObject([
      {
        uri: './caf%E9/%FF.jpg',
        fileName: '%FF.jpg',
        file: Buffer.from(`${root}/caf\xe9/\xff.jpg`, 'latin1'),
        concepts: [{ id: 'caf%E9' }],
      },
    ]);
  });

  it('puts a prefix before every id', async () => {
    await put('a.jpg');
    const [plain] = (await list()).items;
    const [prefixed] = (await list({ idPrefix: 'left' })).items;
    expect(prefixed!.id).toBe(`left-${plain!.id}`);
  });

  it('labels by the folder at the level asked for', async () => {
    await put('top.jpg', 'animals/cats/1.jpg', 'animals/2.jpg');
    expect(concepts(await list())).toEqual({
      'animals/2.jpg': undefined,
      'animals/cats/1.jpg': undefined,
      'top.jpg': undefined,
    });
    expect(concepts(await list({ labels: 'folder' }))).toEqual({
      'animals/2.jpg': ['animals'],
      'animals/cats/1.jpg': ['cats'],
      'top.jpg': undefined,
    });
    expect(concepts(await list({ labels: 'folder', labelLevel: -1 }))).toMatchObject({
      'animals/cats/1.jpg': ['animals'],
    });
  });

  it('may be listed without its subfolders, which are then named', async () => {
    await put('a.jpg', 'sub/b.jpg', 'sub/deeper/c.jpg');
    const listing = await list({ recursive: false });
    expect(uris(listing)).toEqual(['a.jpg']);
    expect(listing.outcomes).toMatchObject([{ uri: 'sub/', code: 'EXCLUDED', outcome: 'skipped' }]);
  });

  it('lists what operating systems leave behind and skips it by a named rule', async () => {
    await put('.DS_Store', 'a/Thumbs.db', '__MACOSX/a/._1.jpg', 'a/1.jpg', '.hidden', 'a/._2.jpg');
    const listing = await list();
    expect(uris(listing)).toEqual(['.hidden', 'a/1.jpg']);
    expect(listing.outcomes.map((o) => [o.uri, o.code])).toEqual([
      ['.DS_Store', 'JUNK_FILE'],
      ['__MACOSX/', 'JUNK_FILE'],
      ['a/._2.jpg', 'JUNK_FILE'],
      ['a/Thumbs.db', 'JUNK_FILE'],
    ]);
    expect(listing.outcomes[0]!.message).toContain('.DS_Store');
  });

  it('skips what the patterns leave out, naming them, a folder as a whole', async () => {
    await put('a/1.jpg', 'a/1.txt', 'skip/1.jpg', 'skip/2.jpg', 'b/bad.jpg');
    const listing = await list({ include: ['*.jpg'], exclude: ['skip', 'b/bad*'] });
    expect(uris(listing)).toEqual(['a/1.jpg']);
    expect(listing.outcomes.map((o) => [o.uri, o.code, o.message])).toEqual([
      ['a/1.txt', 'EXCLUDED', 'matches no --include: *.jpg'],
      ['b/bad.jpg', 'EXCLUDED', 'matches --exclude b/bad*'],
      ['skip/', 'EXCLUDED', 'matches --exclude skip'],
    ]);
  });

  it('never lists a store in itself, known by its place or by its marker', async () => {
    await put('a.jpg', 'sluice-store/blobs/b', 'other/sluice-store.json', 'other/blobs/c', 'x/link.txt');
    const listing = await list({}, [join(root, 'sluice-store')]);
    expect(uris(listing)).toEqual(['a.jpg', 'x/link.txt']);
    expect(codes(listing)).toEqual({ 'other/': 'EXCLUDED', 'sluice-store/': 'EXCLUDED' });
    expect(listing.outcomes[1]!.message).toContain('sluice-store is a sluice store');
  });

  it.runIf(posix)('does not list a store through a link either', async () => {
    await put('a.jpg', 'store/blobs/b');
    await symlink('store/blobs/b', join(root, 'file-link'));
    await symlink('store/blobs', join(root, 'folder-link'));
    const listing = await list({ symlinks: 'follow' }, [join(root, 'store')]);
    expect(uris(listing)).toEqual(['a.jpg']);
    expect(codes(listing)).toEqual({
      'file-link': 'EXCLUDED',
      'folder-link/': 'EXCLUDED',
      'store/': 'EXCLUDED',
    });
  });

  it('that is a store is refused', async () => {
    await put('sluice-store.json');
    await expect(list()).rejects.toMatchObject({ name: 'FatalError', code: 'CONFIG_INVALID' });
    await rm(join(root, 'sluice-store.json'));
    await expect(list({}, [base])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('leaves out the card and the marks of an export, at its root alone', async () => {
    for (const path of [
      '.sluice-export.json',
      'README.md',
      'croissant.json',
      '.assets/samples.jpg',
      'images/1.jpg',
    ])
      await put(path);
    await put('images/README.md');
    const listing = await list();
    expect(uris(listing)).toEqual(['images/1.jpg', 'images/README.md']);
    expect(new Set(Object.values(codes(listing)))).toEqual(new Set(['JUNK_FILE']));
  });

  it.runIf(posix)('never opens a FIFO or device, and never follows a link in circles', async () => {
    await put('a/1.jpg');
    makeFifos(join(root, 'fifo.jpg'), join(root, 'fifo.zip'), join(root, 'a', '1.jpg.json'));
    await symlink('..', join(root, 'a', 'up'));
    await symlink('self', join(root, 'self'));
    await symlink('/dev/zero', join(root, 'zero.jpg'));
    await symlink('nowhere.jpg', join(root, 'broken.jpg'));
    const listing = await list({ symlinks: 'follow', sidecar: true });
    expect(uris(listing)).toEqual(['a/1.jpg']);
    expect(codes(listing)).toEqual({
      'a/1.jpg.json': 'NOT_A_REGULAR_FILE',
      'a/up': 'SYMLINK_SKIPPED',
      'broken.jpg': 'INPUT_NOT_FOUND',
      'fifo.jpg': 'NOT_A_REGULAR_FILE',
      'fifo.zip': 'NOT_A_REGULAR_FILE',
      self: 'SYMLINK_SKIPPED',
      'zero.jpg': 'NOT_A_REGULAR_FILE',
    });
    expect(listing.outcomes.find((o) => o.uri === 'broken.jpg')).toMatchObject({
      outcome: 'failed',
      message: 'what the link broken.jpg leads to does not exist',
    });
    expect(listing.proof.complete).toBe(true);
  });

  it.runIf(posix)('follows links to files inside it, and opens what they led to', async () => {
    await put('pool/1.jpg');
    await mkdir(join(root, 'cats'));
    await symlink('../pool/1.jpg', join(root, 'cats', 'tom.jpg'));
    await writeFile(join(base, 'outside.jpg'), 'x');
    await symlink('../outside.jpg', join(root, 'outside.jpg'));
    const listing = await list({ labels: 'folder' });
    expect(concepts(listing)).toEqual({ 'cats/tom.jpg': ['cats'], 'pool/1.jpg': ['pool'] });
    expect(listing.items[0]).toMatchObject({ file: join(root, 'pool', '1.jpg'), fileName: 'tom.jpg' });
    expect(codes(listing)).toEqual({ 'outside.jpg': 'SYMLINK_SKIPPED' });
    expect(uris(await list({ symlinks: 'follow' }))).toContain('outside.jpg');
  });

  it('does not prove to be complete when a folder could not be read', async () => {
    await put('a/1', 'b/1', 'c/1');
    const opened = await folder.open(root, folder.options.parse({}));
    const listing = opened.list(testContext());
    const first = await listing.next();
    await rm(join(root, 'b'), { recursive: true });
    const found: string[] = [];
    let next = first;
    for (; !next.done; next = await listing.next()) {
      found.push(isOutcome(next.value) ? `${next.value.uri} ${next.value.code}` : next.value.uri);
    }
    expect(found).toEqual(['a/1', 'b/ SOURCE_DIRECTORY_UNREADABLE', 'c/1']);
    expect(next.value).toEqual({ complete: false, reason: 'folders that could not be read (1): b/' });
  });

  it('says which files vanished after they were named by their folder', async () => {
    await put('a/1', 'b');
    const opened = await folder.open(root, folder.options.parse({}));
    const listing = opened.list(testContext());
    await listing.next();
    await rm(join(root, 'b'));
    expect((await listing.next()).value).toMatchObject({
      uri: 'b',
      code: 'INPUT_NOT_FOUND',
      retryable: true,
    });
  });

  it.runIf(posix)('that does not exist, is a file or may not be read is fatal', async () => {
    await put('file');
    const open = (path: string) => folder.open(path, folder.options.parse({}));
    const notFound = { name: 'FatalError', code: 'SOURCE_NOT_FOUND' };
    await expect(open(join(root, 'nowhere'))).rejects.toMatchObject(notFound);
    await expect(open(join(root, 'file'))).rejects.toMatchObject(notFound);
    if (process.getuid?.() !== 0) {
      await chmod(root, 0);
      await expect(open(root)).rejects.toMatchObject(notFound);
      await chmod(root, 0o755);
    }
  });

  it('stops with the reason of the signal', async () => {
    await put('a', 'b', 'c');
    const control = new AbortController();
    const opened = await folder.open(root, folder.options.parse({}));
    const listing = opened.list(testContext({ signal: control.signal }));
    await listing.next();
    control.abort(new Error('enough'));
    await expect(listing.next()).rejects.toThrow('enough');
  });
});

describe('sidecars in a folder', () => {
  it('describe the file beside them and are no items', async () => {
    await put('a/1.jpg', ['a/1.jpg.json', '{"camera":"X","concepts":["cat"]}'], 'b/1.wav', [
      'b/1.json',
      '{"k":1}',
    ]);
    const listing = await list({ sidecar: true, labels: 'folder' });
    expect(
      listing.items.map(({ uri, metadata, concepts: c }) => [uri, metadata, c?.map(({ id }) => id)]),
    ).toEqual([
      ['a/1.jpg', { camera: 'X' }, ['a', 'cat']],
      ['b/1.wav', { k: 1 }, ['b']],
    ]);
    expect(listing.proof.complete).toBe(true);
  });

  it('may be shared by files of one stem, and the whole name goes before the stem', async () => {
    await put(['1.json', '{"of":"stem"}'], '1.jpg', '1.wav', ['1.wav.json', '{"of":"name"}'], '1.x/2');
    const { items } = await list({ sidecar: true });
    expect(items.map(({ uri, metadata }) => [uri, metadata])).toEqual([
      ['1.jpg', { of: 'stem' }],
      ['1.wav', { of: 'name' }],
      ['1.x/2', undefined],
    ]);
  });

  it('without a file beside them are ordinary items, listed once', async () => {
    await put('alone.json', 'a/data.json', 'a/data.b.jpg', '1.json', ['1/1.jpg', 'x'], 'z.jpg.json');
    await put('excluded.jpg', 'excluded.json');
    const listing = await list({ sidecar: true, exclude: ['*d.jpg'] });
    expect(uris(listing).sort()).toEqual([
      '1.json',
      '1/1.jpg',
      'a/data.b.jpg',
      'a/data.json',
      'alone.json',
      'excluded.json',
      'z.jpg.json',
    ]);
  });

  it('that cannot be read as JSON reject their item, naming file and line', async () => {
    await put('1.jpg', ['1.jpg.json', '{\n"a": nope}'], '2.jpg', ['2.json', '[]']);
    const listing = await list({ sidecar: true });
    expect(listing.items).toEqual([]);
    expect(listing.outcomes).toMatchObject([
      {
        uri: '1.jpg',
        outcome: 'rejected',
        code: 'INPUT_INVALID_ARGUMENT',
        message: expect.stringContaining('1.jpg.json:2:'),
      },
      { uri: '2.jpg', code: 'INPUT_INVALID_ARGUMENT', message: '2.json: expected a JSON object' },
    ]);
    expect(listing.outcomes[0]!.inputId).toBe((await list()).items[0]!.id);
  });

  it('are ordinary files unless asked for', async () => {
    await put('1.jpg', '1.jpg.json');
    expect(uris(await list())).toEqual(['1.jpg', '1.jpg.json']);
  });

  it('take nothing else out of a listing, and nothing twice', async () => {
    const name = fc
      .tuple(
        fc.constantFrom('a', 'b', 'a.b', 'a-'),
        fc.constantFrom('', '.jpg', '.wav', '.json', '.jpg.json', '/c'),
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { maxLength: 14 }), async (names) => {
        await rm(root, { recursive: true, force: true });
        await mkdir(root);
        const files = new Set<string>();
        for (const path of names) {
          // The same name may be wanted as a folder and as a file: whichever comes first stays.
          await put([path, '{}']).then(
            () => files.add(path),
            () => undefined,
          );
        }
        const described = [...files].filter((path) => !path.endsWith('.json'));
        const taken = described.map((path) => sidecarsOf(toRaw(path)).find((sidecar) => files.has(sidecar)));
        const listing = await list({ sidecar: true });
        expect(uris(listing).sort()).toEqual(
          [...files].filter((path) => !taken.includes(toRaw(path))).sort(),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('keep up with groups of files that are larger than what is looked at together', async () => {
    for (let i = 0; i < 150; i++) await put(`${i}.jpg`, [`${i}.json`, `{"i":${i}}`], `${i}.alone.json`);
    const { items } = await list({ sidecar: true });
    const described = items.filter((item) => item.metadata !== undefined);
    expect(described.map((item) => [item.uri, item.metadata!['i']])).toEqual(
      described.map((item) => [item.uri, Number.parseInt(item.uri, 10)]),
    );
    expect(described).toHaveLength(150);
    expect(items).toHaveLength(300);
  });
});

describe('archives in a folder', () => {
  it('are opened when both name and content say so, and are no items themselves', async () => {
    await put('a.jpg', ['not.zip', 'a text'], 'sub/x');
    writeZip(join(root, 'sub', 'Pack.ZIP'), [
      { name: 'cats/1.jpg', data: 'x' },
      { name: '2.jpg', data: 'x' },
    ]);
    writeZip(join(root, 'unnamed.bin'), [{ name: '1.jpg', data: 'x' }]);
    const listing = await list({ labels: 'folder' });
    expect(concepts(listing)).toEqual({
      'a.jpg': undefined,
      'not.zip': undefined,
      'sub/Pack.ZIP!/2.jpg': ['sub'],
      'sub/Pack.ZIP!/cats/1.jpg': ['cats'],
      'sub/x': ['sub'],
      'unnamed.bin': undefined,
    });
    expect(listing.proof.complete).toBe(true);
  });

  it('that are broken are one outcome', async () => {
    await put(['broken.zip', 'PK\x03\x04 and then nothing that makes sense of it'], 'a.jpg');
    const listing = await list();
    expect(uris(listing)).toEqual(['a.jpg']);
    expect(listing.outcomes).toMatchObject([{ uri: 'broken.zip', code: 'ARCHIVE_UNREADABLE' }]);
  });

  it('are asked by their entries whether they are included, and excluded as a whole', async () => {
    writeZip(join(root, 'a.zip'), [
      { name: '1.jpg', data: 'x' },
      { name: '1.txt', data: 'x' },
    ]);
    writeZip(join(root, 'b.zip'), [{ name: '1.jpg', data: 'x' }]);
    const listing = await list({ include: ['*.jpg'], exclude: ['b.zip'] });
    expect(uris(listing)).toEqual(['a.zip!/1.jpg']);
    expect(codes(listing)).toEqual({ 'a.zip!/1.txt': 'EXCLUDED', 'b.zip': 'EXCLUDED' });
  });

  it.runIf(linux)('whose path is not UTF-8 are named', async () => {
    writeZip(join(root, 'a.zip'), [{ name: '1.jpg', data: 'x' }]);
    await rename(join(root, 'a.zip'), Buffer.from(`${root}/\xff.zip`, 'latin1'));
    expect((await list()).outcomes).toMatchObject([{ uri: './%FF.zip', code: 'ARCHIVE_UNREADABLE' }]);
  });
});

describe('a manifest in a folder', () => {
  it('lists the files that it names once, and the rest as usual', async () => {
    await put('img/1.jpg', 'img/2.jpg', 'img/3.jpg', 'other.txt', [
      'meta/labels.csv',
      'inputid,input,concepts\nfirst,../img/1.jpg,cat\n,../img/2.jpg,dog\n,../img/missing.jpg,cat\n,../../outside.jpg,x\n',
    ]);
    await writeFile(join(base, 'outside.jpg'), 'x');
    const listing = await list({ manifest: 'meta/labels.csv', csvType: 'file', labels: 'folder' });
    expect(listing.items.map(({ uri, concepts: c }) => [uri, c?.map(({ id }) => id)])).toEqual([
      ['meta/labels.csv#L2', ['cat']],
      ['meta/labels.csv#L3', ['dog']],
      ['img/3.jpg', ['img']],
      ['other.txt', undefined],
    ]);
    expect(listing.items[0]).toMatchObject({ id: 'first', file: join(root, 'img', '1.jpg') });
    expect(codes(listing)).toEqual({
      'meta/labels.csv#L4': 'INPUT_NOT_FOUND',
      'meta/labels.csv#L5': 'PATH_OUTSIDE_BASE',
    });
    expect(listing.proof.complete).toBe(true);
    expect(uris(await list())).toContain('meta/labels.csv');
  });

  it.runIf(posix)('knows a file under whatever spelling it is named', async () => {
    await put('img/1.jpg', 'caf\u00e9.jpg', ['l.csv', 'input\nimg/../img/./1.jpg\ncafe\u0301.jpg\n']);
    const listing = await list({ manifest: 'l.csv', csvType: 'file' });
    expect(uris(listing)).toEqual(['l.csv#L2', 'l.csv#L3']);
  });

  it('identifies the state of the source', async () => {
    await put(['l.csv', 'input\na\n']);
    const open = (options: object) => folder.open(root, folder.options.parse(options));
    expect(await (await open({})).fingerprint()).toBeUndefined();
    const opened = await open({ manifest: 'l.csv' });
    const before = await opened.fingerprint();
    await writeFile(join(root, 'l.csv'), 'input\na\nb\n');
    expect(await opened.fingerprint()).not.toBe(before);
  });

  it('that is missing, outside or no file is fatal', async () => {
    await mkdir(join(root, 'dir'));
    await writeFile(join(base, 'outside.csv'), 'input\na\n');
    await expect(list({ manifest: 'l.csv' })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await expect(list({ manifest: '../outside.csv' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(list({ manifest: 'dir' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
