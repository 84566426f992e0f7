import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CODES, type Code } from '../../src/model/codes.ts';
import { FatalError } from '../../src/model/errors.ts';
import { outcomeOf } from '../../src/model/outcome.ts';
import { Accounts } from '../../src/pipeline/accounts.ts';
import { judge } from '../../src/pipeline/report.ts';

const totals = { listed: 10, ok: 7, rejected: 1, failed: 1, skipped: 1 };

test.each([
  ['a finished run with bad items', { kind: 'finished' }, totals, '0', 2, 'complete'],
  ['bad items up to max_rejected', { kind: 'finished' }, totals, '2', 0, 'complete'],
  ['a share that allows them', { kind: 'finished' }, totals, '20%', 0, 'complete'],
  ['a share that does not', { kind: 'finished' }, totals, '19.9%', 2, 'complete'],
  ['all well', { kind: 'finished' }, { ...totals, ok: 9, rejected: 0, failed: 0 }, '0', 0, 'complete'],
  ['an incomplete source', { kind: 'incomplete', reason: 'cut off' }, totals, '100%', 3, 'failed'],
  ['an interrupted run', { kind: 'interrupted' }, totals, '0', 130, 'interrupted'],
  ['a fatal error', { kind: 'fatal', error: new FatalError('STORE_FULL', 'full') }, totals, '0', 1, 'failed'],
] as const)('%s', (_name, ending, sums, maxRejected, exitCode, status) => {
  expect(judge(ending, sums, true, maxRejected)).toMatchObject({ exitCode, status });
});

test('a run whose sides differ ends with 3 and says both numbers', () => {
  const judged = judge({ kind: 'finished' }, { ...totals, listed: 11 }, false, '100%');
  expect(judged.exitCode).toBe(3);
  expect(judged.error).toMatchObject({ code: 'ACCOUNTING_BROKEN', codeNumber: 900059 });
  expect(judged.error?.message).toContain('11');
  expect(judged.error?.message).toContain('10');
});

test('the identity holds exactly when every listed item has one outcome', () => {
  const itemCodes = Object.entries(CODES).filter(([, i]) => i.class !== 'warning' && i.class !== 'fatal');
  const code = fc.constantFrom(...itemCodes.map(([name]) => name as Code));
  fc.assert(
    fc.property(fc.array(code), fc.nat(5), (codes, lost) => {
      const accounts = new Accounts();
      accounts.listed = codes.length + lost;
      for (const [i, c] of codes.entries()) accounts.countOutcome(outcomeOf(`item-${i}`, 'deliver', c));
      expect(accounts.balanced).toBe(lost === 0);
      const sums = accounts.totals(false);
      expect(sums.listed).toBe(sums.ok + sums.rejected + sums.failed + sums.skipped);
      expect(sums.pending ?? 0).toBe(lost);
      expect(Object.values(accounts.byCode).reduce((a, b) => a + b, 0)).toBe(codes.length);
    }),
  );
});
