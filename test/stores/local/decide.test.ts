import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Annotation } from '../../../src/model/annotation.ts';
import { comparedParts } from '../../../src/stores/local/compared.ts';
import {
  candidateIds,
  Decider,
  type Decision,
  type Incoming,
  type Policy,
} from '../../../src/stores/local/decide.ts';
import type { InputRow, KnownRow, LargePart } from '../../../src/stores/local/rows.ts';
import { Unread } from '../../../src/stores/local/rows.ts';
import { box, unread } from './support.ts';

const POLICY: Policy = {
  dataset: 'default',
  onExisting: 'merge',
  onDuplicate: 'reject',
  onAnnotations: 'append',
};

const incoming = (id: string, sha256: string, fields: Partial<Incoming> = {}): Incoming => ({
  id,
  kind: 'image',
  uri: `${id}.jpg`,
  sha256,
  bytes: sha256.length,
  fingerprint: undefined,
  media: { format: 'jpeg' },
  text: undefined,
  source: undefined,
  hasBytes: true,
  concepts: undefined,
  metadata: undefined,
  geo: undefined,
  split: undefined,
  annotations: undefined,
  ...fields,
});

const json = (...annotations: Annotation[]) => JSON.stringify(annotations);

/** A store of rows by id, to which groups of items are committed; only what is needed of it is read. */
class Model {
  readonly rows = new Map<string, InputRow>();

  commit(items: Incoming[], policy: Policy, runId = 'run'): Decision[] {
    const decider = new Decider(policy, { runId, now: 1 });
    const candidates = new Set(items.flatMap(({ id, sha256 }) => candidateIds(id, sha256, policy)));
    const found = [...candidates].flatMap((id) => this.rows.get(id) ?? []).map(unread);
    const compared = comparedParts(items, found, policy);
    for (const row of found) {
      decider.know(this.#read(row, (part) => compared[part].has(row.id)));
    }
    const decisions = items.map((item) => decider.decide(item));
    for (const row of decider.appended) {
      expect(this.rows.has(row.id)).toBe(false);
      this.rows.set(row.id, row);
    }
    for (const row of decider.replaced) {
      expect(this.rows.has(row.id)).toBe(true);
      this.rows.set(row.id, this.#read(row, () => true) as InputRow);
    }
    return decisions;
  }

  #read(row: KnownRow, wanted: (part: LargePart) => boolean): KnownRow {
    const stored = this.rows.get(row.id)!;
    const part = <P extends LargePart>(name: P) =>
      row[name] instanceof Unread && wanted(name) ? stored[name] : row[name];
    return { ...row, text: part('text'), annotations: part('annotations') };
  }

  one(item: Incoming, policy: Partial<Policy> = {}, runId?: string) {
    return this.commit([item], { ...POLICY, ...policy }, runId)[0]!.result;
  }
}

describe('an id that is stored with the same bytes', () => {
  test('joins the dataset, and is updated for that alone', () => {
    const model = new Model();
    expect(model.one(incoming('a', '1')).code).toBe('INPUT_SUCCESS');
    expect(model.one(incoming('a', '1'), {}, 'later').code).toBe('INPUT_UNCHANGED');
    expect(model.one(incoming('a', '1'), { dataset: 'second', onExisting: 'keep' }).code).toBe(
      'INPUT_UPDATED',
    );
    expect(model.rows.get('a')?.datasets).toEqual(['default', 'second']);
  });

  test('is answered as it was when the same run sends it again, for the first answer may have been lost', () => {
    const model = new Model();
    expect(model.one(incoming('a', '1'), {}, 'run-1').code).toBe('INPUT_SUCCESS');
    expect(model.one(incoming('a', '1'), {}, 'run-1').code).toBe('INPUT_SUCCESS');
    expect(model.one(incoming('a', '1', { split: 'train' }), {}, 'run-2').code).toBe('INPUT_UPDATED');
    expect(model.one(incoming('a', '1', { split: 'train' }), {}, 'run-2').code).toBe('INPUT_UPDATED');
    expect(model.one(incoming('a', '1', { split: 'train' }), {}, 'run-3').code).toBe('INPUT_UNCHANGED');
  });

  test('takes labels as the policy says, and says which run changed it', () => {
    const model = new Model();
    model.one(incoming('a', '1', { split: 'train' }), {}, 'run-1');
    const changed = incoming('a', '1', { split: 'test' });
    expect(model.one(changed, { onExisting: 'keep' }, 'run-2').code).toBe('INPUT_UNCHANGED');
    expect(model.rows.get('a')).toMatchObject({ runId: 'run-1', runCode: 'INPUT_SUCCESS', split: 'train' });
    expect(model.one(changed, {}, 'run-2').code).toBe('INPUT_UPDATED');
    expect(model.rows.get('a')).toMatchObject({ runId: 'run-2', runCode: 'INPUT_UPDATED', split: 'test' });
  });

  test('remembers quietly where the bytes are found now', () => {
    const model = new Model();
    model.one(incoming('a', '1', { fingerprint: 'old' }), {}, 'run-1');
    const moved = incoming('a', '1', { fingerprint: 'new', uri: 'moved.jpg' });
    expect(model.one(moved, {}, 'run-2').code).toBe('INPUT_UNCHANGED');
    expect(model.rows.get('a')).toMatchObject({ fingerprint: 'new', uri: 'moved.jpg', runId: 'run-1' });
  });

  test('that was not read leaves the origin alone, and needs no bytes', () => {
    const model = new Model();
    model.one(incoming('a', '1', { fingerprint: 'old' }));
    const unread = incoming('a', '1', { fingerprint: 'old', hasBytes: false, split: 'val' });
    expect(model.commit([unread], POLICY)[0]).toEqual({
      needsBytes: false,
      result: { code: 'INPUT_UPDATED' },
    });
  });

  test('gets a blob when a reference is given up, and keeps its blob when a reference is offered', () => {
    const model = new Model();
    model.one(incoming('a', '1', { source: '/a.jpg' }));
    const copied = model.commit([incoming('a', '1')], POLICY)[0]!;
    expect(copied.needsBytes).toBe(true);
    expect(model.rows.get('a')?.source).toBeUndefined();
    model.one(incoming('a', '1', { source: '/a.jpg' }));
    expect(model.rows.get('a')?.source).toBeUndefined();
  });
});

describe('an id that is stored with other bytes', () => {
  test('is rejected, and both are named', () => {
    const model = new Model();
    model.one(incoming('a', '1', { uri: 'first.jpg' }));
    const { code, message } = model.one(incoming('a', '2', { uri: 'second.jpg' }));
    expect(code).toBe('INPUT_DUPLICATE');
    expect(message).toMatch(/second\.jpg .* first\.jpg/);
    expect(model.rows.get('a')?.sha256).toBe('1');
  });

  test('takes the place of the stored one under replace, labels as on_existing says', () => {
    const model = new Model();
    model.one(incoming('a', '1', { concepts: [{ id: 'x', name: 'x', value: 1 }], source: '/old' }));
    const decision = model.commit([incoming('a', '2')], { ...POLICY, onDuplicate: 'replace' })[0]!;
    expect(decision).toEqual({ needsBytes: true, result: { code: 'INPUT_UPDATED' } });
    expect(model.rows.get('a')).toMatchObject({ sha256: '2', concepts: [{ id: 'x' }] });
    expect(model.rows.get('a')?.source).toBeUndefined();
  });

  test('gets a suffix under suffix, the same one on every run', () => {
    const model = new Model();
    const policy = { ...POLICY, onDuplicate: 'suffix' as const };
    const items = Array.from({ length: 13 }, (_, n) => incoming('a', `sha-${n}`));
    const first = model.commit(items, policy).map(({ result }) => result.inputId ?? 'a');
    expect(first.slice(0, 10)).toEqual(['a', 'a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'a-6', 'a-7', 'a-8', 'a-9']);
    expect(new Set(first).size).toBe(13);
    const again = model.commit([...items].reverse(), policy, 'later').map(({ result }) => result);
    expect(again.map(({ inputId }) => inputId ?? 'a').reverse()).toEqual(first);
    expect(again.every(({ code }) => code === 'INPUT_UNCHANGED')).toBe(true);
  });

  test('keeps within 48 characters with its suffix', () => {
    const model = new Model();
    const id = 'x'.repeat(48);
    model.one(incoming(id, '1'), { onDuplicate: 'suffix' });
    const { inputId } = model.one(incoming(id, '2'), { onDuplicate: 'suffix' });
    expect(inputId).toBe(`${'x'.repeat(46)}-1`);
  });

  test('fails, to be read again, when its bytes were not read', () => {
    const model = new Model();
    expect(model.one(incoming('a', '1', { hasBytes: false })).code).toBe('DELIVERY_FAILED');
    expect(model.rows.size).toBe(0);
  });
});

describe('annotations', () => {
  const stored = () => {
    const model = new Model();
    model.one(incoming('a', '1', { annotations: json(box('x'), box('y')) }), {}, 'run-1');
    return model;
  };
  const brought = incoming('a', '1', { annotations: json(box('y', 'dog'), box('z')) });
  const ofA = (model: Model) => JSON.parse(model.rows.get('a')!.annotations);

  test('are added under append, and of two with one id the later wins at the place of the first', () => {
    const model = stored();
    expect(model.one(brought, { onAnnotations: 'append' }, 'run-2').code).toBe('INPUT_UPDATED');
    expect(ofA(model)).toEqual([box('x'), box('y', 'dog'), box('z')]);
    expect(model.one(brought, { onAnnotations: 'append' }, 'run-3').code).toBe('INPUT_UNCHANGED');
  });

  test('take the place of all others under replace, also where they are none', () => {
    const model = stored();
    expect(model.one(brought, { onAnnotations: 'replace' }, 'run-2').code).toBe('INPUT_UPDATED');
    expect(ofA(model)).toEqual([box('y', 'dog'), box('z')]);
    const none = incoming('a', '1', { annotations: '[]' });
    expect(model.one(none, { onAnnotations: 'replace' }, 'run-3').code).toBe('INPUT_UPDATED');
    expect(ofA(model)).toEqual([]);
  });

  test('of what is stored are never touched under keep, be they none', () => {
    const model = stored();
    expect(model.one(brought, { onAnnotations: 'keep' }, 'run-2').code).toBe('INPUT_UNCHANGED');
    expect(ofA(model)).toEqual([box('x'), box('y')]);
    model.one(incoming('b', '2'), { onAnnotations: 'keep' }, 'run-1');
    const late = incoming('b', '2', { annotations: json(box('x')) });
    expect(model.one(late, { onAnnotations: 'keep' }, 'run-2').code).toBe('INPUT_UNCHANGED');
    expect(model.rows.get('b')?.annotations).toBe('[]');
  });

  test('stay where a source says nothing of annotations, whatever the policy', () => {
    for (const onAnnotations of ['append', 'replace', 'keep'] as const) {
      const model = stored();
      expect(model.one(incoming('a', '1'), { onAnnotations }, 'run-2').code).toBe('INPUT_UNCHANGED');
      expect(model.one(incoming('a', '1', { split: 'val' }), { onAnnotations }, 'run-2').code).toBe(
        'INPUT_UPDATED',
      );
      expect(ofA(model)).toEqual([box('x'), box('y')]);
    }
  });

  test('say nothing by their order or that of their keys, and everything by their values', () => {
    const same = json(box('y'), { region: box('x').region!, concepts: box('x').concepts, id: 'x' });
    const other = json(box('y'), box('x', 'cat', 0.25 + 1e-9));
    for (const onAnnotations of ['append', 'replace'] as const) {
      const model = stored();
      const again = (annotations: string) =>
        model.one(incoming('a', '1', { annotations }), { onAnnotations }, 'run-2').code;
      expect(again(same)).toBe('INPUT_UNCHANGED');
      expect(again(other)).toBe('INPUT_UPDATED');
    }
  });

  test('of other bytes go when these are replaced', () => {
    for (const annotations of [undefined, json(box('new'))]) {
      const model = stored();
      model.one(incoming('a', '2', { annotations }), { onDuplicate: 'replace', onAnnotations: 'keep' });
      expect(model.rows.get('a')?.annotations).toBe(annotations ?? '[]');
    }
  });
});

test('a text beside an image follows the policy for labels', () => {
  const text = (value: string) => Buffer.from(value);
  const after = (onExisting: Policy['onExisting'], value: string | undefined) => {
    const model = new Model();
    model.one(incoming('a', '1', { text: text('stored') }), {}, 'run-1');
    const item = incoming('a', '1', { text: value === undefined ? undefined : text(value) });
    const { code } = model.one(item, { onExisting }, 'run-2');
    return [code, model.rows.get('a')?.text?.toString()];
  };
  expect(after('merge', 'stored')).toEqual(['INPUT_UNCHANGED', 'stored']);
  expect(after('merge', 'longer text')).toEqual(['INPUT_UPDATED', 'longer text']);
  expect(after('merge', 'STORED')).toEqual(['INPUT_UPDATED', 'STORED']);
  expect(after('merge', undefined)).toEqual(['INPUT_UNCHANGED', 'stored']);
  expect(after('overwrite', 'other')).toEqual(['INPUT_UPDATED', 'other']);
  expect(after('overwrite', undefined)).toEqual(['INPUT_UPDATED', undefined]);
  expect(after('keep', 'other')).toEqual(['INPUT_UNCHANGED', 'stored']);
});

test('a text beside an image goes over to its new bytes, and the content of a text does not', () => {
  const policy = { onDuplicate: 'replace' } as const;
  const model = new Model();
  model.one(incoming('a', '1', { text: Buffer.from('beside') }));
  model.one(incoming('a', '2'), policy);
  expect(model.rows.get('a')?.text?.toString()).toBe('beside');
  model.one(incoming('a', '3', { kind: 'text', text: Buffer.from('content') }), policy);
  expect(model.rows.get('a')?.text?.toString()).toBe('content');
  model.one(incoming('a', '4'), policy);
  expect(model.rows.get('a')?.text).toBeUndefined();
});

const annotations = fc.option(
  fc
    .uniqueArray(
      fc.record({
        id: fc.constantFrom('x', 'y', 'z'),
        concept: fc.constantFrom('cat', 'dog'),
        left: fc.constantFrom(0, 0.5),
      }),
      { selector: ({ id }) => id, maxLength: 3 },
    )
    .map((all) => json(...all.map(({ id, concept, left }) => box(id, concept, left)))),
  { nil: undefined },
);
const text = fc.option(
  fc.constantFrom('p', 'q', 'rr').map((value) => Buffer.from(value)),
  { nil: undefined },
);

const items = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'a-1', 'b-1'),
    sha256: fc.constantFrom('1', '2', '3'),
    split: fc.option(fc.constantFrom('train', 'test'), { nil: undefined }),
    hasBytes: fc.boolean(),
    uri: fc.constantFrom('p', 'q'),
    annotations,
    text,
    cut: fc.boolean(),
  }),
  { maxLength: 20 },
);
const policies = fc.record({
  dataset: fc.constantFrom('one', 'two'),
  onExisting: fc.constantFrom('merge' as const, 'overwrite' as const, 'keep' as const),
  onDuplicate: fc.constantFrom('reject' as const, 'suffix' as const, 'replace' as const),
  onAnnotations: fc.constantFrom('append' as const, 'replace' as const, 'keep' as const),
});

test('how items are divided into commits makes no difference to results or rows', () => {
  fc.assert(
    fc.property(items, policies, (drawn, policy) => {
      const each = drawn.map(({ id, sha256, cut: _cut, ...fields }) => incoming(id, sha256, fields));
      const single = new Model();
      const singly = each.flatMap((item) => single.commit([item], policy));
      const grouped = new Model();
      const results: Decision[] = [];
      let group: Incoming[] = [];
      drawn.forEach(({ cut }, i) => {
        group.push(each[i]!);
        if (cut || i === drawn.length - 1) {
          results.push(...grouped.commit(group, policy));
          group = [];
        }
      });
      expect(results).toEqual(singly);
      expect([...grouped.rows].sort()).toEqual([...single.rows].sort());
    }),
    { numRuns: 300 },
  );
});

test('a second run over the same items adds no row', () => {
  fc.assert(
    fc.property(items, policies, (drawn, policy) => {
      const each = drawn.map(({ id, sha256, cut: _cut, ...fields }) =>
        incoming(id, sha256, { ...fields, hasBytes: true }),
      );
      const model = new Model();
      model.commit(each, policy, 'run-1');
      const ids = [...model.rows.keys()].sort();
      const again = model.commit(each, policy, 'run-2');
      expect([...model.rows.keys()].sort()).toEqual(ids);
      expect(again.some(({ result }) => result.code === 'INPUT_SUCCESS')).toBe(false);
    }),
  );
});

test('the same item twice gives what it gives once', () => {
  fc.assert(
    fc.property(items, annotations, text, policies, (drawn, brought, beside, policy) => {
      const model = new Model();
      for (const { id, sha256, cut: _cut, ...fields } of drawn) {
        model.one(incoming(id, sha256, { ...fields, hasBytes: true }), policy);
      }
      const item = incoming('a', '1', { annotations: brought, text: beside });
      model.one(item, policy, 'run-1');
      const once = [...model.rows.values()];
      const { code } = model.one(item, policy, 'run-2');
      expect(['INPUT_UNCHANGED', 'INPUT_DUPLICATE']).toContain(code);
      expect([...model.rows.values()]).toEqual(once);
    }),
    { numRuns: 300 },
  );
});
