import { expect, test } from 'vitest';
import type { IndexReport } from '../../src/pipeline/indexing/index-accounts.ts';
import { index } from '../../src/pipeline/report-html/index-part.ts';

const device = {
  asked: ['cuda' as const, 'cpu' as const],
  tried: [{ device: 'cuda' as const, error: 'no <driver>' }],
  got: 'cpu' as const,
  sessions: 1,
  threads: 2,
  deviceBatch: 8,
};
const report: IndexReport = {
  workflow: 'general',
  generation: 'g',
  models: [{ kind: 'text', name: 'mini', model: 'models/mini', fingerprint: 'f', dimensions: 384, device }],
  totals: { listed: 10, ok: 6, failed: 1, skipped: 2, pending: 1 },
  byCode: {},
  vectors: 6,
  failures: [{ inputId: 'poem-1', code: 'EMBED_UNREADABLE', message: 'the text is <empty>' }],
};

test('the page of a run that embedded says what became of its inputs, and which device was got and why', () => {
  const text = index(report)!.markup.replace(/<[^>]*>/g, '');
  expect(text).toContain('10 inputs = 6 ok + 1 failed + 2 skipped + 1 pending; 6 vectors written');
  expect(text).toContain('models/mini 384 numbers, on cpu; not cuda: no &lt;driver&gt;');
  expect(text).toContain('poem-1EMBED_UNREADABLE the text is &lt;empty&gt;');
});

test('the page of a run that embedded nothing has no such part', () => {
  expect(index(undefined)).toBeUndefined();
});
