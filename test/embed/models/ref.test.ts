import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHubId } from '../../../src/embed/models/hub-id.ts';
import {
  describeRef,
  modelRefSchema,
  parseModelRef,
  workflowNodeSchema,
} from '../../../src/embed/models/ref.ts';
import { DTYPES, type ModelRef } from '../../../src/model/embedding.ts';

describe('parseModelRef', () => {
  it('takes a name alone', () => {
    expect(parseModelRef('default')).toEqual({ model: 'default' });
    expect(parseModelRef('C:\\models\\clip')).toEqual({ model: 'C:\\models\\clip' });
  });

  it('takes variations after a question mark', () => {
    expect(parseModelRef('./bge?dtype=int8&pooling=cls&maxTokens=256&documentPrompt=passage: ')).toEqual({
      model: './bge',
      dtype: 'int8',
      pooling: 'cls',
      maxTokens: 256,
      documentPrompt: 'passage: ',
    });
  });

  it('keeps "=", "?" and "+" in a prompt, and reads %26 as an ampersand', () => {
    expect(parseModelRef('m?queryPrompt=a=b?c+d%26e%25').queryPrompt).toBe('a=b?c+d&e%');
  });

  it.each([
    ['m?dtyp=int8', /"dtyp=int8" is none of dtype=…, pooling=…/],
    ['m?dtype', /"dtype" is none of/],
    ['m?', /"" is none of/],
    ['m?dtype=int4', /dtype: /],
    ['m?maxTokens=0', /maxTokens: /],
    ['m?maxTokens=ten', /maxTokens: /],
    ['m?dtype=fp16&dtype=int8', /dtype is given twice/],
    ['?dtype=fp16', /model: /],
  ])('refuses %s and says why', (text, why) => {
    expect(() => parseModelRef(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => parseModelRef(text)).toThrow(why);
  });

  it('reads back every model that describeRef writes', () => {
    const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
    const refs = fc.record(
      {
        model: fc.string({ minLength: 1 }).filter((text) => !text.includes('?')),
        dtype: optional(fc.constantFrom(...DTYPES)),
        pooling: optional(fc.constantFrom('mean', 'cls', 'last', 'none')),
        maxTokens: optional(fc.integer({ min: 1, max: 100_000 })),
        documentPrompt: optional(fc.string({ unit: 'grapheme' })),
        queryPrompt: optional(fc.string({ unit: 'grapheme' })),
      },
      { requiredKeys: ['model'] },
    );
    fc.assert(
      fc.property(refs, (ref) => {
        const told = Object.fromEntries(Object.entries(ref).filter(([, value]) => value !== undefined));
        expect(parseModelRef(describeRef(ref as ModelRef))).toEqual(told);
      }),
    );
  });
});

describe('the schemas of pipeline files', () => {
  it('describe every field', () => {
    for (const [name, field] of Object.entries({ ...modelRefSchema.shape, ...workflowNodeSchema.shape }))
      expect(field.description, name).toBeTruthy();
  });

  it('hold the sampling of videos within the platform’s range', () => {
    const node = { model: 'default', name: 'clip' };
    expect(workflowNodeSchema.safeParse({ ...node, sampleMs: 1000, maxFrames: 64 }).success).toBe(true);
    expect(workflowNodeSchema.safeParse({ ...node, sampleMs: 99 }).success).toBe(false);
    expect(workflowNodeSchema.safeParse({ ...node, sampleMs: 60_001 }).success).toBe(false);
    expect(workflowNodeSchema.safeParse({ ...node, maxFrames: 0 }).success).toBe(false);
  });
});

describe('parseHubId', () => {
  it('takes an organisation, a name and a revision', () => {
    expect(parseHubId('Xenova/clip-vit-base-patch32')).toEqual({
      id: 'Xenova/clip-vit-base-patch32',
      revision: 'main',
    });
    expect(parseHubId('a/b.c@v1.0')).toEqual({ id: 'a/b.c', revision: 'v1.0' });
  });

  it.each([
    'name',
    './folder',
    '../a',
    '/a/b',
    'a/b/c',
    'a/..',
    'a/b@',
    'a/b@c@d',
    'a/b@../x',
    'a/b..c',
    'a b/c',
    'a/',
  ])('takes %s for no id', (text) => {
    expect(parseHubId(text)).toBeUndefined();
  });
});
