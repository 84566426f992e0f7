import { expect, it } from 'vitest';
import {
  parseConceptList,
  parseConceptValue,
  parseCoordinate,
  parseGeoPoints,
  parseMetadata,
} from '../../../src/formats/csv/cells.ts';

it.each<[string, [string, number][]]>([
  ['cat', [['cat', 1]]],
  [
    'cat, dog ,, bird',
    [
      ['cat', 1],
      ['dog', 1],
      ['bird', 1],
    ],
  ],
  ['', []],
  ['  ', []],
  [
    'cat=0,dog=1',
    [
      ['cat', 0],
      ['dog', 1],
    ],
  ],
  [
    'a=b, -x, x:0, y=2',
    [
      ['a=b', 1],
      ['-x', 1],
      ['x:0', 1],
      ['y=2', 1],
    ],
  ],
  ['x=0=1', [['x=0', 1]]],
  ['cat,cat', [['cat', 1]]],
  ['__proto__', [['__proto__', 1]]],
])('the labels %j are read with their values', (cell, expected) => {
  expect(parseConceptList(cell)).toEqual(expected.map(([id, value]) => ({ id, name: id, value })));
});

it('a label that is both present and negative is an error at the second', () => {
  expect(() => parseConceptList('cat, cat=0')).toThrow(expect.objectContaining({ offset: 4 }));
  expect(() => parseConceptList('=0')).toThrow(/no label/);
});

it('a cell of many labels is read in linear time', () => {
  const cell = Array.from({ length: 200_000 }, (_, i) => `label${i}`).join(',');
  expect(parseConceptList(cell)).toHaveLength(200_000);
});

it('a concept value is 1, 0 or blank', () => {
  expect(['1', '0', '', ' ', '1.0', '0.00'].map(parseConceptValue)).toEqual([1, 0, 1, 1, 1, 0]);
  for (const cell of ['2', '-1', '0.5', 'yes', '1e0'])
    expect(() => parseConceptValue(cell)).toThrow(/1 \(present\)/);
});

it('metadata is a JSON object or a Python dict', () => {
  expect(parseMetadata('{"a": {"b": [1, null]}}')).toEqual({ a: { b: [1, null] } });
  expect(parseMetadata(`{'a': "it's"}`)).toEqual({ a: "it's" });
  expect(parseMetadata('{}')).toEqual({});
  expect(parseMetadata('  ')).toBeUndefined();
  expect(() => parseMetadata('[1]')).toThrow(/must be an object/);
  expect(() => parseMetadata('"text"')).toThrow(/must be an object/);
});

it('metadata errors count characters from the start of the cell', () => {
  expect(() => parseMetadata('   {"a": x}')).toThrow(expect.objectContaining({ offset: 9 }));
});

it('JSON that nests deeper than whoever walks it can go is refused', () => {
  const deep = `{"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(() => parseMetadata(deep)).toThrow(/nested deeper/);
});

it('JSON with many flat brackets is taken', () => {
  const flat = { list: Array.from({ length: 500 }, (_, i) => [i]) };
  expect(parseMetadata(JSON.stringify(flat))).toEqual(flat);
});

it('an asymmetric point is read in the order asked for', () => {
  expect(parseGeoPoints('102,70', 'lon,lat')).toEqual({ longitude: 102, latitude: 70 });
  expect(parseGeoPoints('70, 102.5', 'lat,lon')).toEqual({ longitude: 102.5, latitude: 70 });
  expect(parseGeoPoints('[-12.5, 1e1]', 'lon,lat')).toEqual({ longitude: -12.5, latitude: 10 });
  expect(parseGeoPoints(' ', 'lon,lat')).toBeUndefined();
});

it('a point out of range says which order was assumed', () => {
  expect(() => parseGeoPoints('70,102', 'lon,lat')).toThrow(
    /latitude 102 .*read as lon,lat.*--geo-order lat,lon/,
  );
  expect(() => parseGeoPoints('70,190', 'lat,lon')).toThrow(/longitude 190/);
});

it.each(['1', '1,2,3', 'a,b', '1,', '0x10,5', ','])('%j is no point', (cell) => {
  expect(() => parseGeoPoints(cell, 'lon,lat')).toThrow(/two numbers, read as lon,lat/);
});

it('a coordinate is a number in its range', () => {
  expect(parseCoordinate(' 70 ', 'latitude')).toBe(70);
  expect(parseCoordinate('-180', 'longitude')).toBe(-180);
  expect(() => parseCoordinate('', 'longitude')).toThrow(/both/);
  expect(() => parseCoordinate('102', 'latitude')).toThrow(/latitude 102 is outside -90…90$/);
});
