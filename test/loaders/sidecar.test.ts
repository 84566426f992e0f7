import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRaw } from '../../src/io/raw-path.ts';
import { folder } from '../../src/loaders/folder.ts';
import { MAX_SIDECAR_BYTES, parseSidecar, sidecarsOf } from '../../src/loaders/sidecar.ts';
import { writeFiles } from '../support/label-source.ts';
import { listSource } from '../support/listing.ts';
import { tempFolder } from '../support/temp-folder.ts';

const parse = (text: string | Buffer) => parseSidecar(Buffer.from(text), toRaw('d/p.json'));

describe('a sidecar', () => {
  it('is looked for beside the whole name, then beside the stem', () => {
    expect(sidecarsOf(toRaw('a/b.c/p.q.jpg'))).toEqual(['a/b.c/p.q.jpg.json', 'a/b.c/p.q.json']);
    expect(sidecarsOf(toRaw('a/b.c/noextension'))).toEqual(['a/b.c/noextension.json']);
    expect(sidecarsOf(toRaw('a/.hidden'))).toEqual(['a/.hidden.json']);
    expect(sidecarsOf(toRaw('a/b.json'))).toEqual([]);
  });

  it('gives its keys as metadata, and concepts by name or with a value', () => {
    expect(
      parse('{"camera": {"f": 2.8}, "concepts": ["cat", {"id": "d", "name": "Dog", "value": 0}]}'),
    ).toEqual({
      metadata: { camera: { f: 2.8 } },
      concepts: [
        { id: 'cat', name: 'cat', value: 1 },
        { id: 'd', name: 'Dog', value: 0 },
      ],
    });
    expect(parse('{"concepts": []}')).toEqual({ concepts: [] });
    expect(parse('{}')).toEqual({});
  });

  it('may wrap its metadata', () => {
    expect(parse('{"metadata": {"a": 1}, "concepts": ["x"]}')).toEqual({
      metadata: { a: 1 },
      concepts: [{ id: 'x', name: 'x', value: 1 }],
    });
    expect(parse('{"metadata": {"a": 1}, "b": 2}')).toEqual({ metadata: { metadata: { a: 1 }, b: 2 } });
    expect(parse('{"metadata": 1}')).toEqual({ metadata: { metadata: 1 } });
  });

  it('may bring annotations, a place and a split, which are no metadata', () => {
    const box = { top: 0, left: 0, bottom: 0.5, right: 1 };
    const annotations = [
      { id: 'a1', concepts: [{ id: 'cat', name: 'cat', value: 1 }], region: { box } },
      { region: { box: { ...box, top: 'high' } } },
    ];
    const geo = { latitude: 47.5, longitude: -8.5 };
    const values = parse(JSON.stringify({ annotations, geo, split: 'train', camera: 'x' }));
    expect(values).toEqual({
      metadata: { camera: 'x' },
      geo,
      split: 'train',
      annotations: [
        { ...annotations[0], ref: 'd/p.json#annotations/0', unit: 'normalised' },
        expect.objectContaining({
          ref: 'd/p.json#annotations/1',
          code: 'ANNOTATION_INVALID_ARGUMENT',
          message: expect.stringContaining('top'),
        }),
      ],
    });
    expect(parse(JSON.stringify({ metadata: { a: 1 }, split: 'test' }))).toEqual({
      metadata: { a: 1 },
      split: 'test',
    });
    expect(parse('{"annotations": []}')).toEqual({ annotations: [] });
  });

  it('may start with a byte order mark', () => {
    expect(parse('\ufeff{"a": 1}')).toEqual({ metadata: { a: 1 } });
  });

  it.each([
    ['{"a": 1,}', 'd/p.json:1:9: Expected double-quoted property name'],
    ["{'a': 1}", "d/p.json:1:2: Expected property name or '}'"],
    ['{"a":\n  1\n  "b": 2}', "d/p.json:3:3: Expected ',' or '}' after property value"],
    ['{"a":\n  NaN}', "d/p.json:2:3: Unexpected token 'N'"],
    ['{"long enough for an excerpt": [1,\n\n None]}', "d/p.json:3:2: Unexpected token 'N'"],
    ['{"a": 1', "d/p.json:1:8: Expected ',' or '}' after property value"],
    ['\n\n', 'd/p.json:3:1: Unexpected end of JSON input'],
    ['[1]', 'd/p.json: expected a JSON object'],
    ['null', 'd/p.json: expected a JSON object'],
    ['{"annotations": {}}', 'd/p.json: annotations: expected a list of annotations'],
    ['{"geo": "Bern"}', 'd/p.json: geo: expected {latitude, longitude} in degrees'],
    ['{"split": 1}', 'd/p.json: split: expected the name of a split'],
    ['{"concepts": "cat"}', 'd/p.json: concepts: expected a list of names or of {id, name, value}'],
    [
      '{"concepts": ["a", 7]}',
      'd/p.json: concepts.1: expected a name or {id, name, value}, the value 0 or 1',
    ],
  ])('%j is refused with its place', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID_ARGUMENT', message }));
  });

  it('is refused when it is not UTF-8 or too large', () => {
    expect(() => parse(Buffer.from('{"a": "\xe9"}', 'latin1'))).toThrow('d/p.json: not UTF-8');
    expect(() => parse(`"${'x'.repeat(MAX_SIDECAR_BYTES)}"`)).toThrow('at most 1000000 bytes');
  });

  it('with one character too many is refused on the line of that character', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.array(fc.integer()), { minKeys: 1 }),
        fc.nat(),
        (value, at) => {
          const lines = JSON.stringify({ m: value }, null, 1).split('\n');
          const line = at % lines.length;
          lines[line] = `@${lines[line]}`;
          expect(() => parse(lines.join('\n'))).toThrow(
            expect.objectContaining({ message: expect.stringMatching(`^d/p.json:${line + 1}:1: `) }),
          );
        },
      ),
    );
  });

  it('puts all that it says on its item, beside the label of the folder', async () => {
    const source = await tempFolder();
    const annotations = [{ id: 'a', concepts: [{ id: 'nose' }], region: { point: { x: 0.5, y: 0.5 } } }];
    const geo = { latitude: 1, longitude: 2 };
    const sidecar = { annotations, geo, split: 'val', note: 'n', concepts: ['cat'] };
    await writeFiles(source, { 'pets/p.jpg': 'x', 'pets/p.jpg.json': JSON.stringify(sidecar) });
    const { items } = await listSource(folder, source, { sidecar: true, labels: 'folder' });
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      uri: 'pets/p.jpg',
      concepts: [{ id: 'pets' }, { id: 'cat' }],
      metadata: { note: 'n' },
      geo,
      split: 'val',
      annotations: [{ id: 'a', ref: 'pets/p.jpg.json#annotations/0' }],
    });
  });
});
