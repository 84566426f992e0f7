import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRaw } from '../../src/io/raw-path.ts';
import { MAX_SIDECAR_BYTES, parseSidecar, sidecarsOf } from '../../src/loaders/sidecar.ts';

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
});
