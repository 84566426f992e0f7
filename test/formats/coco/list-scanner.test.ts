import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BrokenJson, type ListHandler, ListScanner } from '../../../src/formats/coco/list-scanner.ts';

const { signal } = new AbortController();

interface Found {
  text: string;
  offset: number;
  /** Of the members `id` and `image_id`. */
  members: (string | undefined)[];
}

/** The elements of the lists `images` and `annotations`; bytes come in pieces of these sizes, over and over. */
async function scan(
  bytes: Buffer,
  pieces: readonly number[] = [bytes.length],
  windowBytes?: number,
): Promise<Record<'images' | 'annotations', Found[]>> {
  const found = { images: [] as Found[], annotations: [] as Found[] };
  const handler = (into: Found[]): ListHandler => ({
    members: ['id', 'image_id'],
    element(window, start, end, offset, memberAt) {
      const members = [...memberAt].map((at) => (at < 0 ? undefined : window.toString('utf8', at, at + 1)));
      into.push({ text: window.toString('utf8', start, end), offset, members });
    },
  });
  let at = 0;
  let turn = 0;
  const scanner = new ListScanner(
    async (into) => {
      const size = Math.min(pieces[turn++ % pieces.length]!, into.length, bytes.length - at);
      bytes.copy(into, 0, at, at + size);
      at += size;
      return size;
    },
    { images: handler(found.images), annotations: handler(found.annotations) },
    windowBytes,
  );
  await scanner.run(signal);
  return found;
}

const brokenAt = async (text: string): Promise<[number, string]> => {
  const error: unknown = await scan(Buffer.from(text)).catch((thrown: unknown) => thrown);
  if (!(error instanceof BrokenJson)) throw new Error(`not refused: ${text}`);
  return [error.offset, error.message];
};

/** Text full of what a scanner could trip over. */
const nasty = fc.string({
  unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'é', '日', '\u{1f600}', '\n', ' ', 'a'),
});
/** Of two characters at least: V8 13.6 mistakes escaped names of one character for each other (`"\n"` for `"\\"`). */
const key = nasty.map((text) => `k${text}`);
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    nasty,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(null, true, false),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(key, fc.constantFrom('id', 'image_id')), tie('node'), { maxKeys: 4 }),
  ),
})).node;

test('gives the elements that JSON.parse gives, wherever the bytes are cut', async () => {
  const lists = fc.record(
    { images: fc.array(value), annotations: fc.array(value), info: value },
    {
      requiredKeys: [],
    },
  );
  const rest = fc.dictionary(key, value, { maxKeys: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(rest, lists, rest),
      fc.constantFrom(undefined, 1, '\t'),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 64 }),
      async (parts, indent, pieces, windowBytes) => {
        const document = Object.assign({}, ...parts) as Record<string, unknown>;
        const bytes = Buffer.from(JSON.stringify(document, null, indent));
        const found = await scan(bytes, pieces, windowBytes);
        for (const name of ['images', 'annotations'] as const) {
          const list = document[name];
          const expected = Array.isArray(list) ? list.map((element) => JSON.stringify(element)) : [];
          expect(found[name].map(({ text }) => JSON.stringify(JSON.parse(text)))).toEqual(expected);
          for (const { text, offset } of found[name]) {
            expect(bytes.toString('utf8', offset, offset + Buffer.byteLength(text))).toBe(text);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('finds the members of an element itself, not those of what is inside it', async () => {
  const inner = '{"image_id": 8, "x": {"id": 9}, "note": "id", "more": ["id", {"id": 7}], "id" :\n 5}';
  const { annotations } = await scan(Buffer.from(`{"annotations": [${inner}, {"x": {"id": 1}}, [1], "id"]}`));
  expect(annotations.map(({ members }) => members)).toEqual([
    ['5', '8'],
    [undefined, undefined],
    [undefined, undefined],
    [undefined, undefined],
  ]);
});

test('leaves the words that Python writes for numbers in the element that has them', async () => {
  const { annotations } = await scan(Buffer.from('{"annotations": [{"a": NaN}, -Infinity, {"b": 1}]}'));
  expect(annotations.map(({ text }) => text)).toEqual(['{"a": NaN}', '-Infinity', '{"b": 1}']);
});

test('passes over a byte order mark and what is around the lists', async () => {
  const { images } = await scan(
    Buffer.from('\ufeff \n{"info": {"images": [1]}, "images": [2], "x": null}\n'),
  );
  expect(images).toMatchObject([{ text: '2', offset: 42 }]);
});

test.each([
  ['', 0, 'the file ends in the middle'],
  ['[1]', 0, 'expected a JSON object, {'],
  ['{"a": 1', 7, 'the file ends in the middle'],
  ['{"images": [1, ', 15, 'the file ends in the middle'],
  ['{"images": [{"a": "b', 20, 'the file ends in the middle'],
  ['{"images": [1 2]}', 14, 'expected , or ]'],
  ['{"images": [1,]}', 14, 'unexpected character'],
  ['{"images": [{"a": [1}]}', 20, 'unexpected character'],
  ['{"images" [1]}', 10, 'expected : after a key'],
  ['{"a": 1, }', 9, 'expected a key in quotes'],
  ['{"a": 1 "b": 2}', 8, 'expected , or }'],
  ['{} x', 3, 'expected nothing more after the closing }'],
])('says where %s is broken', async (text, offset, reason) => {
  expect(await brokenAt(text)).toEqual([offset, reason]);
});

test('refuses nesting that would never end', async () => {
  expect((await brokenAt(`{"x": ${'['.repeat(2000)}`))[0]).toBe(1006);
});
