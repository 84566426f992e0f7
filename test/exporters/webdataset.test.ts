import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { webdataset } from '../../src/exporters/webdataset.ts';
import { hashesBelow } from '../support/folder-bytes.ts';
import { attempt, exported, type Held, memorySource } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';

const exporter = webdataset as never;

/** Pictures of 300 kB in two splits: three fill a shard of 1 MB. */
const held: Held[] = Array.from({ length: 12 }, (_, i) => ({
  id: `p${String(i).padStart(2, '0')}`,
  split: i % 3 === 0 ? 'test' : 'train',
  content: Buffer.alloc(300_000, i),
  annotations: [{ id: '1', concepts: [] }],
}));
const limits = { maxShardSize: 1_000_000 };

async function entriesOf(path: string): Promise<Map<string, Buffer>> {
  const entries = new Map<string, Buffer>();
  const tar = createReadStream(path).pipe(extract());
  for await (const entry of tar) entries.set(entry.header.name, await buffer(entry));
  return entries;
}

describe('an export to webdataset', () => {
  it('keeps shards within their size and the files of a sample together', async () => {
    const path = await tempFolder();
    const { outcomes, result } = await exported(exporter, memorySource(held), path, limits);
    expect(outcomes.every(({ code }) => code === 'EXPORTED')).toBe(true);
    const names = ['test-000000.tar', 'test-000001.tar', ...[0, 1, 2].map((n) => `train-00000${n}.tar`)];
    expect(result.files.map((file) => file.path)).toEqual(names);
    for (const { path: name, bytes } of result.files) {
      expect(bytes).toBeLessThan(1_010_000);
      expect((await stat(join(path, name))).size).toBe(bytes);
    }
    const entries = await entriesOf(join(path, 'train-000000.tar'));
    expect([...entries.keys()]).toEqual(['p01', 'p02', 'p04'].flatMap((id) => [`${id}.png`, `${id}.json`]));
    expect(entries.get('p02.png')).toEqual(held[2]!.content);
    expect(result.annotations).toEqual({ written: 12, leftOut: 0 });
  });

  it('closes a shard at the most samples it may have', async () => {
    const path = await tempFolder();
    const { result } = await exported(exporter, memorySource(held), path, { maxShardSamples: 4 });
    expect(result.files.map((file) => file.path)).toEqual([
      'test-000000.tar',
      'train-000000.tar',
      'train-000001.tar',
    ]);
  });

  it('goes on after a kill at any input and ends with the same bytes', async () => {
    const whole = await tempFolder();
    await exported(exporter, memorySource(held), whole, limits);
    const expected = await hashesBelow(whole);
    for (let stopAfter = 1; stopAfter <= held.length; stopAfter++) {
      const path = await tempFolder();
      const first = await attempt(exporter, memorySource(held), path, limits, { stopAfter });
      const { checkpoint } = first;
      const last = await attempt(exporter, memorySource(held), path, limits, { checkpoint });
      expect(await hashesBelow(path)).toEqual(expected);
      expect(last.result!.annotations).toEqual({ written: 12, leftOut: 0 });
      const ids = [...first.outcomes, ...last.outcomes].map(({ inputId }) => inputId);
      expect(new Set(ids).size).toBe(12);
    }
  });

  it('leaves nothing of an input in a shard whose bytes are not all there', async () => {
    const path = await tempFolder();
    const file = join(await tempFolder(), 'short.png');
    await writeFile(file, 'abc');
    const good = held.slice(0, 2);
    const bad: Held = { id: 'p00b', split: 'train', content: { path: file, bytes: 4 } };
    const { outcomes } = await exported(exporter, memorySource([...good, bad]), path);
    expect(outcomes.map(({ code }) => code)).toEqual(['EXPORTED', 'INPUT_NOT_FOUND', 'EXPORTED']);
    const without = await tempFolder();
    await exported(exporter, memorySource(good), without);
    expect(await hashesBelow(path)).toEqual(await hashesBelow(without));
  });

  it('stops when it is aborted, and leaves no file open', async () => {
    const path = await tempFolder();
    const abort = new AbortController();
    const running = attempt(exporter, memorySource(held), path, limits, { signal: abort.signal });
    abort.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });
});
