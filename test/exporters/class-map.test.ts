import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClassMap, type ClassMapOptions, classMapPath } from '../../src/exporters/class-map.ts';
import type { ConceptDefinition } from '../../src/model/annotation.ts';
import { versionOf } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';

const DEFAULTS: ClassMapOptions = { start: 1, order: 'declared', keepSource: true };

const named = (...names: string[]): ConceptDefinition[] => names.map((name) => ({ id: name, name }));

async function opened(
  path: string,
  concepts: readonly ConceptDefinition[],
  options: Partial<ClassMapOptions> = {},
): Promise<ClassMap> {
  return ClassMap.open(path, { concepts, version: versionOf([]) }, { ...DEFAULTS, ...options });
}

const numbers = (map: ClassMap): Record<string, number> =>
  Object.fromEntries(map.classes.map(({ id, concept }) => [concept.id, id]));

describe('a class map', () => {
  it('numbers classes as they were declared, or by name, from 1 or 0', async () => {
    const path = join(await tempFolder(), 'map.json');
    const concepts = named('zebra', 'Ant', 'bee');
    expect(numbers(await opened(path, concepts))).toEqual({ zebra: 1, Ant: 2, bee: 3 });
    expect(numbers(await opened(path, concepts, { order: 'alphabetical', start: 0 }))).toEqual({
      Ant: 0,
      bee: 1,
      zebra: 2,
    });
  });

  it('keeps every number when a class is added, moved or missing for a while', async () => {
    const path = join(await tempFolder(), 'map.json');
    const saved = async (...names: string[]) => {
      const map = await opened(path, named(...names));
      await map.save();
      return numbers(map);
    };
    expect(await saved('dog', 'cat')).toEqual({ dog: 1, cat: 2 });
    expect(await saved('ant', 'cat', 'dog')).toEqual({ dog: 1, cat: 2, ant: 3 });
    expect(await saved('bee', 'dog')).toEqual({ dog: 1, bee: 4 });
    expect(await saved('cat', 'ant', 'bee', 'dog', 'cow')).toEqual({
      dog: 1,
      cat: 2,
      ant: 3,
      bee: 4,
      cow: 5,
    });
    const before = await readFile(path);
    await saved('cow');
    expect(await readFile(path)).toEqual(before);
  });

  it('keeps the numbers of the source unless told otherwise', async () => {
    const path = join(await tempFolder(), 'map.json');
    const concepts: ConceptDefinition[] = [
      { id: 'background', name: 'background', sourceId: 0 },
      { id: 'new', name: 'new' },
      { id: 'cat', name: 'cat', sourceId: 17 },
      { id: 'dog', name: 'dog', sourceId: 17 },
    ];
    const kept = { cat: 17, background: 18, new: 19, dog: 20 };
    const map = await opened(path, concepts);
    expect(numbers(map)).toEqual(kept);
    expect(numbers(await opened(path, concepts, { start: 0 }))).toEqual({
      background: 0,
      cat: 17,
      new: 18,
      dog: 19,
    });
    expect(numbers(await opened(path, concepts, { keepSource: false }))).toEqual({
      background: 1,
      new: 2,
      cat: 3,
      dog: 4,
    });
    await map.save();
    expect(numbers(await opened(path, concepts))).toEqual(kept);
  });

  it('that conflicts with the dataset is refused, with both named', async () => {
    const path = join(await tempFolder(), 'map.json');
    await (await opened(path, named('cat'))).save();
    await expect(opened(path, [{ id: 'cat', name: 'cat', sourceId: 17 }])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/map\.json gives cat the number 1, and the dataset has it .* as 17/),
    });
    await expect(opened(path, [{ id: 'c-1', name: 'cat' }])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/number 1 to the concept cat named cat, .* the concept c-1/),
    });
  });

  it.each([
    ['no JSON', '{', 'is no JSON'],
    ['another file', '{"names": ["cat"]}', 'is none: schema'],
    [
      'two classes of one number',
      '{"schema":1,"type":"class-map","classes":[{"id":1,"concept":"a","name":"a"},{"id":1,"concept":"b","name":"b"}]}',
      'the number 1 to a and to b',
    ],
    [
      'two numbers of one class',
      '{"schema":1,"type":"class-map","classes":[{"id":1,"concept":"a","name":"a"},{"id":2,"concept":"a","name":"a"}]}',
      'a the numbers 1 and 2',
    ],
  ])('that is %s is refused', async (_, content, message) => {
    const path = join(await tempFolder(), 'map.json');
    await writeFile(path, content);
    await expect(opened(path, named('a'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('lies beside the output unless it is named', () => {
    expect(classMapPath({}, '/out/coco.part')).toBe('/out/coco.class-map.json');
    expect(classMapPath({ classMap: 'm.json' }, '/out/coco.part')).toBe('m.json');
  });
});
