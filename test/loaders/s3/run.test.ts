import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fateOf, mediaBucket, putFolder } from '../../support/bucket.ts';
import { inputsOf, ledgerOf, sluice, sluiceJson } from '../../support/cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { missingVersityGw, SECRET_KEY } from '../../support/versitygw.ts';
import { writeZip } from '../../support/zip-writer.ts';

const missing = missingVersityGw();
const examples = new URL('../../../examples', import.meta.url).pathname;

const byUri = (one: { uri: string }, two: { uri: string }) => (one.uri < two.uri ? -1 : 1);

describe.skipIf(missing)(`a run from a bucket${missing === undefined ? '' : `: ${missing}`}`, () => {
  it('comes to the same outcomes, ids and bytes as the run from the folder that was uploaded', async () => {
    const dir = await tempFolder();
    const local = join(dir, 'local');
    await cp(examples, local, { recursive: true });
    writeZip(join(local, 'more.zip'), [
      { name: 'labels.csv', data: 'input,concepts\nt/1.txt,zipped\n' },
      { name: 't/1.txt', data: 'one' },
      { name: 't/2.txt', data: 'two' },
      { name: 'bad.jpg', data: 'no image' },
    ]);
    await writeFile(
      join(local, 'rows.csv'),
      'input,concepts\nphotos/animals/nosuch.jpg,cat\ntexts/none.txt,dog\n',
    );
    await writeFile(join(local, 'bad.txt'), Buffer.from([0xff, 0x20]));
    await writeFile(join(local, 'empty.jpg'), '');
    const gateway = await mediaBucket();
    await putFolder(gateway, local, 'data/in/');
    const options = ['--manifest', 'rows.csv', '--labels', 'folder'];
    const here = await sluiceJson(['ingest', local, '--store', join(dir, 'here'), ...options]);
    const there = await sluiceJson([
      ...['ingest', 's3://media/data/in/', '--endpoint', gateway.endpoint, '--store', join(dir, 'there')],
      ...options,
    ]);
    expect(here.json.totals.ok).toBeGreaterThan(40);
    expect(here.code).toBe(2);
    expect(there.json).toMatchObject({ exitCode: 2, totals: here.json.totals, byCode: here.json.byCode });
    const fates = (store: string, runId: string) => ledgerOf(join(dir, store), runId).map(fateOf).sort(byUri);
    expect(fates('there', there.json.runId)).toEqual(fates('here', here.json.runId));
    const stored = async (store: string) =>
      (await inputsOf(join(dir, store)))
        .map(({ createdAt: _, modifiedAt: __, ...input }) => input)
        .sort(byUri);
    expect(await stored('there')).toEqual(await stored('here'));
    const again = await sluiceJson([
      ...['ingest', 's3://media/data/in/', '--endpoint', gateway.endpoint, '--store', join(dir, 'there')],
      ...options,
    ]);
    expect(again.json.totals).toMatchObject({ ok: 0, rejected: there.json.totals.rejected });
    const run = join(dir, 'there', 'runs', there.json.runId);
    for (const name of ['run.json', 'report.json', 'report.html', 'ledger.jsonl', 'failures.jsonl'])
      expect(await readFile(join(run, name), 'utf8')).not.toContain(SECRET_KEY);
  });

  it('is planned, inspected, linted and run from a pipeline file', async () => {
    const dir = await tempFolder();
    const { endpoint } = await mediaBucket({
      'in/a/1.txt': 'one',
      'in/a/2.txt': 'two',
      'in/b/3.txt': 'three',
    });
    const file = join(dir, 'bucket.yaml');
    await writeFile(
      file,
      `source:\n  s3: { path: s3://media/in/, endpoint: "${endpoint}", labels: folder, exclude: [b/] }\n`,
    );
    const linted = await sluice(['lint', file]);
    expect(linted.stdout).toBe(`${file}: ok\n`);
    const inspected = await sluiceJson<{ sources: unknown[] }>(['inspect', file]);
    expect(inspected.json.sources).toMatchObject([
      {
        type: 's3',
        source: 's3://media/in/',
        describes: 'S3 bucket media, all objects whose keys begin with in/',
        items: [{ uri: 'a/1.txt', bytes: 3, concepts: [{ id: 'a' }] }, { uri: 'a/2.txt' }, { uri: 'b/' }],
      },
    ]);
    const store = join(dir, 'store');
    const planned = await sluiceJson(['run', file, '--store', store, '--dry-run']);
    expect(planned.json).toMatchObject({ dryRun: true, totals: { listed: 3, ok: 2, skipped: 1 } });
    const ran = await sluiceJson(['run', file, '--store', store]);
    expect(ran.json).toMatchObject({
      status: 'complete',
      exitCode: 0,
      totals: { listed: 3, ok: 2, skipped: 1 },
    });
    expect(ran.json.sources).toMatchObject([{ uri: 's3://media/in/', type: 's3' }]);
  });

  it('takes the boxes of a COCO file in the bucket', async () => {
    const dir = await tempFolder();
    const gateway = await mediaBucket();
    await putFolder(gateway, join(examples, 'coco'), 'coco/');
    const pipeline = (path: string, more = '') =>
      `source:\n  ${path.startsWith('s3') ? 's3' : 'folder'}: { path: "${path}"${more} }\nannotate:\n  - coco: { file: annotations/instances.json }\n`;
    await writeFile(
      join(dir, 'there.yaml'),
      pipeline('s3://media/coco/', `, endpoint: "${gateway.endpoint}"`),
    );
    await writeFile(join(dir, 'here.yaml'), pipeline(join(examples, 'coco')));
    const reports = [];
    for (const name of ['here', 'there']) {
      const { json } = await sluiceJson(['run', join(dir, `${name}.yaml`), '--store', join(dir, name)]);
      reports.push({ totals: json.totals, annotations: json.annotations, byCode: json.byCode });
    }
    expect(reports[0]!.annotations?.totals.ok).toBeGreaterThan(0);
    expect(reports[1]).toEqual(reports[0]);
  });

  it('says which other labels a bucket cannot have', async () => {
    const dir = await tempFolder();
    const { endpoint } = await mediaBucket({ 'a.txt': '1' });
    const file = join(dir, 'masks.yaml');
    await writeFile(
      file,
      `source:\n  s3: { path: s3://media/, endpoint: "${endpoint}" }\nannotate:\n  - masks: { pattern: "masks/{name}.png", classes: [a] }\n`,
    );
    const ran = await sluice(['run', file, '--store', join(dir, 'store')]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('masks labels are read from folders of this machine only');
  });

  it('is refused with the loader of another source', async () => {
    const ran = await sluice([
      'ingest',
      's3://media/x.csv',
      '--source-type',
      'csv',
      '--store',
      await tempFolder(),
    ]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('the s3 loader reads CSV') });
  });
});
