import { describe, expect, test } from 'vitest';
import { NumberList } from '../../../src/formats/coco/number-list.ts';

describe('a list of numbers', () => {
  test('keeps what was put into it over the borders of its pages', () => {
    const list = new NumberList(Float64Array);
    for (let i = 0; i < 40_000; i++) list.push(i / 2);
    list.set(20_000, -1);
    expect(list.length).toBe(40_000);
    expect([list.get(0), list.get(16_383), list.get(16_384), list.get(20_000), list.get(39_999)]).toEqual([
      0, 8191.5, 8192, -1, 19_999.5,
    ]);
  });

  test('is empty once it is freed, and can be filled again', () => {
    const list = new NumberList(Uint32Array);
    for (let i = 0; i < 20_000; i++) list.push(i);
    list.free();
    expect(list.length).toBe(0);
    list.push(7);
    expect([list.length, list.get(0)]).toEqual([1, 7]);
  });
});
