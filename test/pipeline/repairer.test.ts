import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeEach, describe, expect, test } from 'vitest';
import { ByteBudget } from '../../src/io/byte-budget.ts';
import type { RepairStep } from '../../src/media/repair/steps.ts';
import { findTools } from '../../src/media/tools.ts';
import type { ExistingInput, PendingLabels, ReadyItem, SourceItem } from '../../src/model/contracts.ts';
import { RejectedItemError } from '../../src/model/errors.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { RunLabels } from '../../src/pipeline/labels.ts';
import { Preparer } from '../../src/pipeline/prepare.ts';
import { Repairer } from '../../src/pipeline/repair.ts';
import { resolveProfile } from '../../src/validation/index.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

let spoolDir: string;
beforeEach(async () => {
  spoolDir = join(await tempFolder(), 'spool%d');
  await mkdir(spoolDir);
});

/** An item on its way as the runner takes it: prepared, and repaired where that may help. */
function way(limit: Record<string, string>, allowed: RepairStep[], budget = new ByteBudget(256_000_000)) {
  const counted = { annotations: 0, bytes: 0 };
  const profile = resolveProfile('clarifai', limit);
  const reading = {
    profile,
    spoolDir,
    tools: () => findTools({ path: process.env['PATH'] ?? '' }),
    ctx: testContext(),
    onBytes: (bytes: number) => {
      counted.bytes += bytes;
    },
  };
  const preparer = new Preparer({
    ...reading,
    check: 'decode',
    dataset: 'default',
    sourceTag: () => 'tag',
    labels: new RunLabels({ concept: [], metadata: {}, split: undefined }),
    onAnnotations: (more) => {
      counted.annotations += more;
    },
    budget,
  });
  const repairer = new Repairer({ ...reading, allowed, preparer });
  const take = async (item: SourceItem): Promise<ReadyItem | ReadyItem[] | Outcome> => {
    const prepared = await preparer.prepare(item);
    return 'outcome' in prepared && repairer.mayHelp(prepared) ? repairer.repair(item, prepared) : prepared;
  };
  return { take, preparer, repairer, budget, counted };
}

const text = (id: string, content: string): SourceItem => ({ id, uri: id, text: content });
const partsOf = (taken: ReadyItem | ReadyItem[] | Outcome): ReadyItem[] => {
  if (!Array.isArray(taken)) throw new Error(`not divided: ${JSON.stringify(taken)}`);
  return taken;
};
const spooled = () => readdir(spoolDir);
const labels = (promised: number, ids: string[]): PendingLabels => ({
  annotations: promised,
  load: async () => ({
    annotations: ids.map((id) => ({ id, ref: id, unit: 'normalised' as const, concepts: [] })),
  }),
});

test('an item that is repaired waits for no bytes, which those behind it may hold until it is done', async () => {
  const { repairer, budget } = way({ 'text.megabytes': '0.0001' }, ['split'], new ByteBudget(1000));
  const item = text('long', 'word '.repeat(100));
  await budget.acquire(900);
  const behind = budget.acquire(900);
  const rejected = { code: 'INPUT_OVER_LIMIT', stage: 'read', outcome: 'rejected', uri: 'long' } as const;
  const parts = partsOf(await repairer.repair(item, rejected));
  expect(parts.length).toBeGreaterThan(4);
  // They wait on disk for the last of them.
  expect(budget.inUse).toBe(900);
  budget.release(900);
  await behind;
});

test('whatever becomes of items, the budget gets back each byte and the spool folder is empty', async () => {
  const picture = await sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const folder = await tempFolder();
  const files = {
    'a.png': picture,
    'broken.png': picture.subarray(0, 90),
    'long.txt': 'word '.repeat(100),
    'no.media': Buffer.from('%PDF-1.7 and then nothing of the kind'),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const load = fc.constantFrom<PendingLabels[] | undefined>(
    undefined,
    [],
    [labels(0, ['a', 'b'])],
    [labels(3, ['a'])],
    [
      {
        annotations: 2,
        load: () => Promise.reject(new RejectedItemError('INPUT_OVER_LIMIT', 'too many labels')),
      },
    ],
    [labels(1, ['a']), { annotations: 1, load: () => Promise.reject(new Error('gone')) }],
  );
  const step = fc.subarray<RepairStep>(['downscale', 'reencode', 'transcode', 'split']);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(files)),
      load,
      step,
      fc.constantFrom('0.000012', '0.0001', '1'),
      async (name, pending, allowed, limit) => {
        const { take, budget } = way(
          { 'image.megabytes': limit, 'text.megabytes': limit, 'image.megapixels': '0.002' },
          allowed,
        );
        const taken = await take({
          id: name,
          uri: name,
          file: join(folder, name),
          fileName: name,
          ...(pending === undefined ? {} : { pending }),
        });
        const ready = [taken].flat().filter((each): each is ReadyItem => !('outcome' in each));
        for (const each of ready) {
          each.release();
          each.discard?.();
        }
        expect(budget.inUse).toBe(0);
        await expect.poll(spooled).toEqual([]);
      },
    ),
    { numRuns: 160 },
  );
});

describe('what an item says of its annotations', () => {
  test('counts what was found in its labels once it is ready', async () => {
    const long = 'word '.repeat(100);
    const { take, counted } = way({ 'text.megabytes': '0.0001' }, ['split']);
    const item = { ...text('long', long), pending: [labels(0, ['a', 'b'])] };
    expect(partsOf(await take(item))).not.toHaveLength(0);
    expect(counted.annotations).toBe(2);
  });

  test('holds spans against the whole text, whatever its parts are', async () => {
    const { take } = way({ 'text.megabytes': '0.0001' }, ['split']);
    const span = (start: number, end: number) => ({
      ref: `${start}`,
      unit: 'normalised' as const,
      concepts: [],
      span: { start, end },
    });
    const annotations = [span(490, 500), span(900, 910)];
    const parts = partsOf(await take({ ...text('long', 'word '.repeat(100)), annotations }));
    expect(parts.flatMap((part) => part.annotations)).toHaveLength(1);
    expect(parts.flatMap((part) => part.problems ?? [])).toMatchObject([{ ref: '900' }]);
  });

  test('counts what was promised of an item whose part was rejected', async () => {
    // A text of one character that has more bytes than a part may have.
    const { take, counted } = way({ 'text.megabytes': '0.000003' }, ['split']);
    const taken = await take({ ...text('face', 'ab 😀'), pending: [labels(0, ['a', 'b'])] });
    expect(taken).toMatchObject({ outcome: 'rejected', code: 'INPUT_OVER_LIMIT' });
    expect(counted.annotations).toBe(0);
  });

  test('labels over a limit are no reason to repair the item', async () => {
    const failing: PendingLabels = {
      annotations: 1,
      load: () => Promise.reject(new RejectedItemError('INPUT_OVER_LIMIT', 'too many labels')),
    };
    const { take } = way({}, ['split']);
    expect(await take({ ...text('x', 'short'), pending: [failing] })).toMatchObject({
      stage: 'annotate',
      message: 'too many labels',
      annotations: { good: 1 },
    });
  });
});

test('an unchanged item that brings labels waits for its turn', async () => {
  const { preparer, budget } = way({}, [], new ByteBudget(100_000));
  await budget.acquire(100_000);
  const existing: ExistingInput = {
    sha256: '0'.repeat(64),
    kind: 'image',
    bytes: 10,
    media: { format: 'png', width: 4, height: 4 },
    uri: 'a',
    runId: 'r',
    runCode: 'INPUT_SUCCESS',
  };
  const item = { ...text('a', ''), text: undefined, pending: [labels(1, ['a'])] } as unknown as SourceItem;
  const taking = preparer.relabelled(item, existing);
  await setImmediate();
  expect(budget.waiting).toBe(1);
  budget.release(100_000);
  const ready = (await taking) as ReadyItem;
  expect(ready.payload).toEqual({ unchanged: true });
  expect(budget.inUse).toBeLessThan(2000);
  ready.release();
  expect(budget.inUse).toBe(0);
});

test('two ids that begin alike have parts with different ids, of the length that the platform takes', async () => {
  const { take } = way({ 'text.megabytes': '0.0001' }, ['split']);
  const begin = 'b'.repeat(47);
  const ids = [];
  for (const last of 'xy') ids.push(...partsOf(await take(text(begin + last, 'word '.repeat(40)))));
  const different = new Set(ids.map(({ item }) => item.id));
  expect(different.size).toBe(ids.length);
  for (const id of different) expect(id.length).toBeLessThanOrEqual(48);
});

test('the bytes of what was made are not counted as read', async () => {
  const { take, counted } = way({ 'text.megabytes': '0.0001' }, ['split']);
  const folder = await tempFolder();
  await writeFile(join(folder, 'long.txt'), 'word '.repeat(100));
  partsOf(await take({ id: 'long', uri: 'long.txt', file: join(folder, 'long.txt'), size: 500 }));
  // At most twice: up to the limit, and then whole.
  expect(counted.bytes).toBeLessThanOrEqual(1000);
});
