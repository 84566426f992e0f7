import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ingest, resume } from '../../src/index.ts';
import { codesOf } from '../support/accounts.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

test.each(['reject', 'suffix', 'replace'])(
  'what was committed and not logged when the process ended gets the outcome it had, with --on-duplicate %s',
  async (onDuplicate) => {
    const dir = await tempFolder();
    const store = join(dir, 'store');
    const source = join(dir, 'rows.csv');
    const loader = { csvType: 'raw' };
    await writeFile(source, 'inputid,input,concepts\nsame,same,cat\nlabels,labels,cat\nbytes,old,cat\n');
    await ingest({ source, store, loader });
    const rows = [
      'same,same,cat',
      'labels,labels,dog',
      'bytes,new,cat',
      'new,new,cat',
      'new,twice,cat',
      'bad,,cat',
    ];
    await writeFile(source, `inputid,input,concepts\n${rows.join('\n')}\n`);
    const whole = await ingest({ source, store, loader, options: { onDuplicate } });
    const codes = codesOf(store, whole);
    const inputs = await storedIn(store);

    const lines = readFileSync(whole.ledger!, 'utf8').split('\n');
    for (const kept of [0, 2, 4]) {
      rmSync(whole.report!, { force: true });
      writeFileSync(whole.ledger!, `${lines.slice(0, 1 + kept).join('\n')}\n{"torn`);
      const resumed = await resume({ runId: whole.runId, store });
      expect(codesOf(store, resumed)).toEqual(codes);
      expect(resumed.totals).toEqual(whole.totals);
      expect(resumed.exitCode).toBe(whole.exitCode);
      expect(await storedIn(store)).toEqual(inputs);
    }
  },
);
