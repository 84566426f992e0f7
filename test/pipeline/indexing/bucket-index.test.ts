import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Input } from '../../../src/model/input.ts';
import { reindex } from '../../../src/pipeline/indexing/reindex.ts';
import { setWorkflow, showWorkflow } from '../../../src/pipeline/indexing/workflow.ts';
import { ingest } from '../../../src/pipeline/ingest.ts';
import { resume } from '../../../src/pipeline/resume.ts';
import { search } from '../../../src/pipeline/search/search.ts';
import { checkStore, collectGarbage, compactStore } from '../../../src/stores/index.ts';
import { bucketServer } from '../../stores/bucket/support.ts';
import { plainPng } from '../../support/annotated.ts';
import { testContext } from '../../support/context.ts';
import { fakeModels } from '../../support/fake-models.ts';
import { storedIn } from '../../support/stored.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { missingVersityGw } from '../../support/versitygw.ts';

const missing = missingVersityGw();

describe.skipIf(missing !== undefined)(`a store in a bucket ${missing ?? ''}`, () => {
  it('is embedded, re-indexed, searched, tidied and checked', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const dir = await tempFolder();
    const source = join(dir, 'source');
    await mkdir(source);
    for (let i = 0; i < 20; i++) await writeFile(join(source, `t${i}.txt`), `text number ${i}`);
    await writeFile(join(source, 'a.png'), await plainPng(10));
    const env = { ...fakeModels(), cacheDir: join(dir, 'cache') };
    await setWorkflow({ store, name: 'words', models: { text: [{ model: 'm' }] } }, env);
    const report = await ingest({ source, store }, env);
    expect(report).toMatchObject({ exitCode: 0, index: { totals: { ok: 20, skipped: 1 } } });
    const both = { text: [{ model: 'm' }], image: [{ model: 'm' }] };
    await setWorkflow({ store, name: 'both', models: both }, env);
    const again = await reindex({ store }, env);
    expect(again).toMatchObject({ status: 'complete', totals: { listed: 21, failed: 0 } });
    // Complete: the report is that of the bucket.
    expect(await resume({ store, runId: again.runId }, { ...env, cacheDir: join(dir, 'elsewhere') })).toEqual(
      again,
    );
    expect((await showWorkflow(store, undefined)).counts).toMatchObject({ processed: 21 });
    const [{ id }] = (await storedIn(store)).filter(({ kind }) => kind === 'text') as [Input];
    const found = await search({ store, query: { id }, top: 3 }, env);
    expect(found.hits).toHaveLength(3);
    const ctx = testContext();
    await compactStore(store, {}, ctx);
    expect(await collectGarbage(store, { graceMs: 0 }, ctx)).toMatchObject({ blobs: 0, vectors: 0 });
    const findings = [];
    for await (const finding of checkStore(store, {}, ctx)) findings.push(finding);
    expect(findings).toEqual([]);
  });
});
