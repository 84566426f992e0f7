import { expect, test } from 'vitest';
import { GroupCommit } from '../../../src/stores/local/group-commit.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function committer(options: { rows?: number; bytes?: number } = {}) {
  const clock = new FakeClock();
  const commits: string[][] = [];
  const gates: { open(): void; fail(error: Error): void }[] = [];
  const group = new GroupCommit<string, string>({
    limits: { rows: options.rows ?? 100, bytes: options.bytes ?? 1000, ageMs: 1000 },
    clock,
    commit: (entries) =>
      new Promise((resolve, reject) => {
        commits.push([...entries]);
        gates.push({ open: () => resolve(entries.map((entry) => `${entry}!`)), fail: reject });
      }),
  });
  const add = (entry: string, rows = 10, bytes = 10) => group.add(entry, { rows, bytes });
  return { clock, commits, gates, group, add };
}

test('a group is committed when its rows, its bytes or its age are enough', async () => {
  const { clock, commits, gates, add } = committer();
  const first = [add('a', 60), add('b', 40)];
  expect(commits).toEqual([['a', 'b']]);
  gates[0]!.open();
  expect(await Promise.all(first)).toEqual(['a!', 'b!']);
  await new Promise(setImmediate);

  const large = add('c', 1, 1000);
  expect(commits[1]).toEqual(['c']);
  gates[1]!.open();
  await large;
  await new Promise(setImmediate);

  const old = add('d');
  await clock.advance(999);
  expect(commits).toHaveLength(2);
  await clock.advance(1);
  expect(commits[2]).toEqual(['d']);
  gates[2]!.open();
  expect(await old).toBe('d!');
});

test('one commit runs at a time, and what came meanwhile makes the next, up to its limits', async () => {
  const { commits, gates, group, add } = committer();
  const results = ['a', 'b', 'c', 'd'].map((entry) => add(entry, 60));
  expect(commits).toEqual([['a', 'b']]);
  const flushed = group.flush();
  gates[0]!.open();
  await Promise.all(results.slice(0, 2));
  await new Promise(setImmediate);
  expect(commits[1]).toEqual(['c', 'd']);
  gates[1]!.open();
  await flushed;
  expect(await Promise.all(results)).toEqual(['a!', 'b!', 'c!', 'd!']);
});

test('a flush commits what is not full, and returns when it has its results', async () => {
  const { commits, gates, group, add } = committer();
  await group.flush();
  const added = add('a');
  const flushed = group.flush();
  expect(commits).toEqual([['a']]);
  gates[0]!.open();
  await flushed;
  expect(await added).toBe('a!');
});

test('a commit that fails rejects its own entries and no others', async () => {
  const { gates, group, add } = committer();
  const bad = add('a', 100);
  const good = add('b', 100);
  gates[0]!.fail(new Error('disk'));
  await expect(bad).rejects.toThrow('disk');
  await new Promise(setImmediate);
  gates[1]!.open();
  expect(await good).toBe('b!');
  await group.flush();
});

test('abandoning rejects what waits and lets the running commit end', async () => {
  const { commits, gates, group, add } = committer();
  const running = add('a', 100);
  const waiting = add('b');
  expect(group.abandon(new Error('stop'))).toEqual(['b']);
  await expect(waiting).rejects.toThrow('stop');
  gates[0]!.open();
  expect(await running).toBe('a!');
  await group.flush();
  expect(commits).toEqual([['a']]);
});
