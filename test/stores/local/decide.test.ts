import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  candidateIds,
  Decider,
  type Decision,
  type Incoming,
  type Policy,
} from '../../../src/stores/local/decide.ts';
import type { InputRow } from '../../../src/stores/local/rows.ts';

const POLICY: Policy = { dataset: 'default', onExisting: 'merge', onDuplicate: 'reject' };

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
  ...fields,
});

/** A store of rows by id, to which groups of items are committed. */
class Model {
  readonly rows = new Map<string, InputRow>();

  commit(items: Incoming[], policy: Policy, runId = 'run'): Decision[] {
    const decider = new Decider(policy, { runId, now: 1 });
    const candidates = new Set(items.flatMap(({ id, sha256 }) => candidateIds(id, sha256, policy)));
    for (const id of candidates) {
      const row = this.rows.get(id);
      if (row !== undefined) decider.know(row);
    }
    const decisions = items.map((item) => decider.decide(item));
    for (const row of decider.appended) {
      expect(this.rows.has(row.id)).toBe(false);
      this.rows.set(row.id, row);
    }
    for (const row of decider.replaced) {
      expect(this.rows.has(row.id)).toBe(true);
      this.rows.set(row.id, row);
    }
    return decisions;
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

const items = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'a-1', 'b-1'),
    sha256: fc.constantFrom('1', '2', '3'),
    split: fc.option(fc.constantFrom('train', 'test'), { nil: undefined }),
    hasBytes: fc.boolean(),
    uri: fc.constantFrom('p', 'q'),
    cut: fc.boolean(),
  }),
  { maxLength: 20 },
);
const policies = fc.record({
  dataset: fc.constantFrom('one', 'two'),
  onExisting: fc.constantFrom('merge' as const, 'overwrite' as const, 'keep' as const),
  onDuplicate: fc.constantFrom('reject' as const, 'suffix' as const, 'replace' as const),
});

test('how items are divided into commits makes no difference to results or rows', () => {
  fc.assert(
    fc.property(items, policies, (drawn, policy) => {
      const each = drawn.map(({ id, sha256, split, hasBytes, uri }) =>
        incoming(id, sha256, { split, hasBytes, uri }),
      );
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
      const each = drawn.map(({ id, sha256, split, uri }) => incoming(id, sha256, { split, uri }));
      const model = new Model();
      model.commit(each, policy, 'run-1');
      const ids = [...model.rows.keys()].sort();
      const again = model.commit(each, policy, 'run-2');
      expect([...model.rows.keys()].sort()).toEqual(ids);
      expect(again.some(({ result }) => result.code === 'INPUT_SUCCESS')).toBe(false);
    }),
  );
});
