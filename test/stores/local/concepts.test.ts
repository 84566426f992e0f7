import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConceptDefinition } from '../../../src/model/annotation.ts';
import { openReader, openWriter } from '../../../src/stores/index.ts';
import { addDefinitions } from '../../../src/stores/local/merge-concepts.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { ingest, writerOptions } from './support.ts';

async function define(store: string, runId: string, ...declared: ConceptDefinition[][]) {
  const warned: object[] = [];
  const ctx = testContext();
  const logger = { ...ctx.logger, warn: (fields: object) => void warned.push(fields) };
  const writer = await openWriter(store, writerOptions({ runId }), { ...ctx, logger });
  await Promise.all(declared.map((concepts) => writer.defineConcepts(concepts)));
  await writer.close();
  return warned;
}

async function conceptsOf(store: string) {
  const reader = await openReader(store);
  try {
    return await reader.listConcepts();
  } finally {
    reader.close();
  }
}

const person: ConceptDefinition = {
  id: "O'Person",
  name: 'person 😀',
  supercategory: 'animal',
  sourceId: 0,
  keypoints: ['nose', 'eye'],
  skeleton: [[1, 2]],
  color: [255, 0, 7],
};

describe('concepts', () => {
  test('come back as they were declared and in that order, over runs', async () => {
    const store = await tempFolder();
    await ingest(store, []);
    expect(await conceptsOf(store)).toEqual([]);
    const [zebra, ant, bee] = ['zebra', 'ant', 'bee'].map((id) => ({ id, name: id }));
    expect(await define(store, 'run-1', [zebra!, person], [ant!])).toEqual([]);
    expect(await define(store, 'run-2', [bee!, ant!, zebra!, person], [])).toEqual([]);
    expect(await conceptsOf(store)).toEqual([zebra, person, ant, bee]);
  });

  test('keep what was said first, take what was missing, and a contradiction is a warning', async () => {
    const store = await tempFolder();
    await define(store, 'run-1', [{ id: 'cat', name: 'Cat', sourceId: 3 }]);
    const more = { id: 'cat', name: 'CAT', supercategory: 'animal', sourceId: 3 };
    expect(await define(store, 'run-2', [more])).toEqual([]);
    const cat = { id: 'cat', name: 'Cat', supercategory: 'animal', sourceId: 3 };
    expect(await conceptsOf(store)).toEqual([cat]);
    const conflicting = { id: 'cat', name: 'Cat', supercategory: 'pet', sourceId: 4 };
    expect(await define(store, 'run-3', [conflicting])).toEqual([{ concepts: 'cat' }]);
    expect(await conceptsOf(store)).toEqual([cat]);
  });
});

const definition = fc.record(
  {
    id: fc.constantFrom('a', 'b', 'c', '__proto__'),
    name: fc.constantFrom('x', 'y'),
    supercategory: fc.constantFrom('s', 't'),
    sourceId: fc.constantFrom(0, 1),
    keypoints: fc.constantFrom<string[]>(['k'], []),
  },
  { requiredKeys: ['id', 'name'] },
);
const declared = fc.array(definition, { maxLength: 8 });

test('places are locked and nothing that was said is taken back, whatever is declared later', () => {
  fc.assert(
    fc.property(declared, declared, (first, later) => {
      const before = addDefinitions([], first).definitions;
      const { definitions, changed } = addDefinitions(before, later);
      before.forEach((concept, position) => {
        expect(definitions[position]).toMatchObject(concept);
      });
      const ids = definitions.map(({ id }) => id);
      expect(ids).toEqual([...new Set([...first, ...later].map(({ id }) => id))]);
      definitions.forEach((concept, position) => {
        expect(changed.includes(position)).toBe(JSON.stringify(concept) !== JSON.stringify(before[position]));
      });
      expect(addDefinitions(definitions, [...first, ...later]).changed).toEqual([]);
    }),
  );
});
