import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accounted } from '../support/accounts.ts';
import { folderOf, plainPng, problemsOf } from '../support/annotated.ts';
import { sluiceJson } from '../support/cli.ts';
import { maskPng } from '../support/mask-png.ts';
import { storedIn } from '../support/stored.ts';

const [WIDTH, HEIGHT] = [8, 4];

/** Every pixel 0 but those of the first row, which are `value`. */
const rows = (value: number, width = WIDTH, height = HEIGHT) =>
  Array.from({ length: height }, (_, y) => new Array<number>(width).fill(y === 0 ? value : 0));

test('masks of every kind beside images end as they should, and none of them is dropped in silence', async () => {
  const gray = { bitDepth: 8, colourType: 0 } as const;
  const masks: Record<string, Buffer> = {
    palette: maskPng(rows(1), { bitDepth: 2, colourType: 3 }),
    gray: maskPng(rows(2), gray),
    'sixteen-bits': maskPng(rows(300), { bitDepth: 16, colourType: 0 }),
    'unknown-index': maskPng(rows(9), gray),
    'other-size': maskPng(rows(1, WIDTH + 1), gray),
    empty: maskPng(rows(0), gray),
    broken: maskPng(rows(1), gray).subarray(0, 60),
    'no-png': Buffer.from('not a mask'),
    colours: await plainPng(7, WIDTH, HEIGHT),
    'of-nothing': maskPng(rows(1), gray),
  };
  const images = [...Object.keys(masks).filter((name) => name !== 'of-nothing'), 'without-mask'];
  const dir = await folderOf({
    'p.yaml': [
      'source: source',
      'annotate:',
      '  - masks: { pattern: "masks/{stem}.png", classes: { 1: cat, 2: dog, 300: far } }',
    ].join('\n'),
    ...Object.fromEntries(Object.entries(masks).map(([name, png]) => [`source/masks/${name}.png`, png])),
    'source/images/note.txt': 'not an image',
  });
  for (const [i, name] of images.entries()) {
    await writeFile(join(dir, `source/images/${name}.png`), await plainPng(20 * i, WIDTH, HEIGHT));
  }
  const store = join(dir, 'store');
  const { code, json } = await sluiceJson(['run', join(dir, 'p.yaml'), '--store', store]);
  expect(code).toBe(2);
  const lines = accounted(store, json);
  const problems = Object.fromEntries(
    images.map((name) => [name, problemsOf(lines.get(`images/${name}.png`))]),
  );
  expect(problems).toEqual({
    palette: [],
    gray: [],
    'sixteen-bits': [],
    'without-mask': [],
    empty: [],
    'unknown-index': [
      'CONCEPT_UNKNOWN masks/unknown-index.png#9: masks/unknown-index.png: the index 9, of 8 pixels, has no class',
    ],
    'other-size': [
      'MASK_SIZE_MISMATCH masks/other-size.png#cat: the mask has 9 × 4 px, and its image 8 × 4 px',
    ],
    broken: [expect.stringMatching(/^MASK_INVALID masks\/broken\.png: masks\/broken\.png: /)],
    'no-png': [expect.stringMatching(/^MASK_INVALID masks\/no-png\.png: masks\/no-png\.png: /)],
    colours: [expect.stringMatching(/^MASK_INVALID masks\/colours\.png: .*colours, not values/)],
  });
  expect(lines.get('masks/of-nothing.png#mask')).toMatchObject({
    outcome: 'rejected',
    code: 'LABELS_WITHOUT_INPUT',
    message: expect.stringContaining('masks/of-nothing.png is the mask of no item'),
  });
  for (const name of Object.keys(masks)) {
    expect(lines.get(`masks/${name}.png`)).toMatchObject({ outcome: 'skipped', code: 'LABEL_FILE' });
  }
  expect(json).toMatchObject({
    totals: { listed: 22, ok: 11, rejected: 1, skipped: 10 },
    annotations: { totals: { listed: 8, ok: 3, rejected: 5 } },
    warnings: { UNLABELLED: 2 },
  });
  // A mask that is background all over is a label, too: it says that nothing is there.
  expect(lines.get('images/empty.png')).toMatchObject({ annotations: { good: 0 } });
  expect(lines.get('images/empty.png')).not.toHaveProperty('warnings');
  const stored = new Map((await storedIn(store)).map((input) => [input.uri, input]));
  for (const [name, concept] of [
    ['palette', 'cat'],
    ['gray', 'dog'],
    ['sixteen-bits', 'far'],
  ]) {
    expect(stored.get(`images/${name}.png`)?.annotations).toMatchObject([
      { concepts: [{ id: concept, value: 1 }], region: { mask: { size: [HEIGHT, WIDTH] } } },
    ]);
  }
});
