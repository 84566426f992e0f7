import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exporterNames, loadExporter } from '../../src/exporters/index.ts';
import { runReport } from '../../src/pipeline/shapes.ts';
import { contentOf, storeWith } from '../pipeline/export/support.ts';
import { accounted } from '../support/accounts.ts';
import { sluice, sluiceJson, start } from '../support/cli.ts';

describe('sluice export', () => {
  it('writes a version and prints its report, and for people a summary', async () => {
    const { root, store } = await storeWith({ images: 2, texts: 1 });
    const out = join(root, 'coco');
    const args = ['export', 'pets', '--format', 'coco', '--store', store];
    const { code, json } = await sluiceJson([...args, '--out', out]);
    runReport.parse(json);
    expect(code).toBe(0);
    expect(json.totals).toMatchObject({ listed: 3, ok: 2, skipped: 1 });
    accounted(store, json);
    expect(existsSync(join(out, 'annotations', 'instances_train.json'))).toBe(true);
    expect(existsSync(json.page!)).toBe(true);

    const told = await sluice([...args, '--out', join(root, 'again')]);
    expect(told.stdout).toContain('3 listed = 2 ok + 0 rejected + 0 failed + 1 skipped');
    expect(told.stdout).toContain(join(root, 'again'));
    expect(told.stderr).toContain('it cannot carry 1 text');
    const runs = await sluice(['runs', 'list', '--store', store]);
    expect(runs.stdout).toContain(`pets@${json.export!.version}`);
  });

  it('of a named version, with its card naming the command that makes it again', async () => {
    const { root, store } = await storeWith({ images: 2 });
    const first = await sluiceJson([
      'export',
      'pets',
      '--format',
      'json',
      '--out',
      join(root, 'a.zip'),
      '--store',
      store,
    ]);
    const { version } = first.json.export!;
    const place = join(root, 'b');
    const out = join(place, 'a.zip');
    const card = await readFile(join(root, 'a.zip.README.md'), 'utf8');
    const [line] = card.split('\n').filter((each) => each.startsWith('sluice export '));
    expect(line).toBe(`sluice export pets@${version} --format json --out a.zip`);
    const again = await sluiceJson([...line!.split(' ').slice(1, -1), out, '--store', store]);
    expect(again.json.export!.version).toBe(version);
    for (const name of ['a.zip', 'a.zip.README.md', 'a.zip.croissant.json']) {
      expect(readFileSync(join(place, name))).toEqual(readFileSync(join(root, name)));
    }
  });

  it.each([
    [
      'another format’s option',
      ['pets', '--format', 'coco', '--include-embeddings'],
      'does not apply to the format coco',
    ],
    ['a format that is none', ['pets', '--format', 'cocoa'], 'there are protobuf, json, coco'],
    ['half a version', ['pets@', '--format', 'coco'], 'pets@'],
    ['a dataset that is not there', ['pest', '--format', 'coco'], 'there are pets'],
  ])('says what is wrong with %s', async (_what, args, said) => {
    const { root, store } = await storeWith({ images: 1 });
    const ran = await sluice(['export', ...args, '--out', join(root, 'out'), '--store', store]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(said);
    expect(existsSync(join(root, 'out'))).toBe(false);
  });

  it('goes on after a kill and ends with the same bytes', async () => {
    const { root, store } = await storeWith({ images: 200 });
    const straight = join(root, 'straight', 'out');
    const { json } = await sluiceJson([
      'export',
      'pets',
      '--format',
      'folder',
      '--out',
      straight,
      '--store',
      store,
    ]);
    const what = `pets@${json.export!.version}`;
    const cut = join(root, 'cut', 'out');
    const args = ['export', what, '--format', 'folder', '--out', cut, '--store', store];
    const killed = start(args);
    const watch = setInterval(() => {
      if (existsSync(`${cut}.part`)) killed.child.kill('SIGKILL');
    }, 1);
    await killed.done;
    clearInterval(watch);
    const gone = await sluiceJson(existsSync(cut) ? [...args, '--overwrite'] : args);
    expect(gone).toMatchObject({ code: 0, json: { totals: { listed: 200, ok: 200 } } });
    accounted(store, gone.json);
    expect(await contentOf(cut)).toEqual(await contentOf(straight));
    expect(await readdir(join(root, 'cut'))).toEqual(['out']);
  });

  it('has an example that names it for each format', async () => {
    for (const name of exporterNames) {
      expect((await loadExporter(name)).example).toMatch(
        new RegExp(`^sluice export .*--format ${name}\\b.*--out `),
      );
    }
  });
});

describe('a pipeline file that is an export', () => {
  const pipeline = (fields: string) => `export:\n  coco:\n    dataset: pets\n    out: out/pets\n${fields}`;

  it('is run, relative to its own folder', async () => {
    const { root, store } = await storeWith({ images: 2 });
    const file = join(root, 'export.yaml');
    await writeFile(file, pipeline('    segmentation: rle\n'));
    const { code, json } = await sluiceJson(['run', file, '--store', store]);
    expect([code, json.command]).toEqual([0, 'export']);
    expect(json.export!.out).toBe(join(root, 'out', 'pets'));
    const foreign = await sluice(['run', file, '--store', store, '--dataset', 'other']);
    expect(foreign.stderr).toContain('no option dataset');
    const inspected = await sluice(['inspect', file]);
    expect(inspected.stderr).toContain('is an export and has no source');
  });

  it.each([
    ['an option that the format lacks', '    segmentations: rle\n', 'did you mean segmentation?'],
    ['a source beside it', 'source: source/in.jsonl\n', 'an export has no source'],
    ['a sink beside it', 'sink: { local: {} }\n', 'an export has no sink'],
    ['tests without a dataset', 'tests: [{ expect: { exitCode: 0 } }]\n', 'items that the store is to have'],
  ])('is linted: %s', async (_what, more, said) => {
    const { root } = await storeWith({ images: 1 });
    const file = join(root, 'export.yaml');
    await writeFile(file, pipeline(more));
    const { code, stdout } = await sluice(['lint', file]);
    expect(code).toBe(1);
    expect(stdout).toContain(said);
  });

  it('fails its test when other files, losses or counts come out', async () => {
    const { root } = await storeWith({ images: 1 });
    const file = join(root, 'export.yaml');
    const test = `tests:
  - items:
      - { text: a, id: a }
      - { file: source/000.png, id: b, concepts: [{ id: cat }] }
    expect:
      totals: { listed: 2, ok: 1, skipped: 1 }
      export: { files: [gone.json], losses: { image-concepts: 4 }, written: 7 }
`;
    await writeFile(file, pipeline(test));
    const { code, stdout } = await sluice(['test', file]);
    expect(code).toBe(1);
    expect(stdout).toContain('export.files');
    expect(stdout).toContain('gone.json');
    expect(stdout).toContain('export.losses.image-concepts');
    expect(stdout).toContain('export.written');
    expect(stdout).not.toContain('totals');
  });
});
