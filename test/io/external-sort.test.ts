import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExternalSort } from '../../src/io/external-sort.ts';

const line = fc.uint8Array({ min: 1, maxLength: 10 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));

let tmpDir: string;
beforeEach(async () => {
  tmpDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
});
afterEach(() => rm(tmpDir, { recursive: true, force: true }));

async function sortAll(lines: Iterable<string>, spillAfter: number): Promise<string[]> {
  const sort = new ExternalSort({ spillAfter, tmpDir });
  try {
    for (const text of lines) {
      sort.add(text);
      if (sort.full) await sort.spill();
    }
    const sorted: string[] = [];
    for await (const text of sort.sorted()) sorted.push(text);
    return sorted;
  } finally {
    await sort.close();
  }
}

describe('the external sort', () => {
  it('gives what an in-memory sort by bytes gives, however often it spills', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        async (lines, n) => {
          expect(await sortAll(lines, n)).toEqual([...lines].sort(byBytes));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('merges a thousand runs, and lines longer than a read', async () => {
    const lines = Array.from({ length: 4000 }, (_, i) => `${(i * 7919) % 4001}${'x'.repeat(i % 300)}`);
    const long = Array.from({ length: 1500 }, (_, i) => `${(i * 31) % 1501}${'y'.repeat(5000)}`);
    expect(await sortAll(lines, 4)).toEqual([...lines].sort(byBytes));
    expect(await sortAll(long, 1)).toEqual([...long].sort(byBytes));
  });

  it('leaves nothing in the temporary folder, read to its end or not', async () => {
    const sort = new ExternalSort({ spillAfter: 2, tmpDir });
    for (const text of ['b', 'a', 'd', 'c', 'e']) {
      sort.add(text);
      if (sort.full) await sort.spill();
    }
    const sorted = sort.sorted();
    expect(await sorted.next()).toEqual({ done: false, value: 'a' });
    await sort.close();
    await sort.close();
    expect(await readdir(tmpDir)).toEqual([]);
  });
});
