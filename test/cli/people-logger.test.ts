import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { peopleLogger } from '../../src/cli/people-logger.ts';
import { ProgressView } from '../../src/cli/progress-view.ts';

test('a warning is one line with its first fields; what is below a warning is left out', () => {
  const lines: string[] = [];
  const logger = peopleLogger((line) => lines.push(line));
  logger.info({}, 'nobody asked');
  logger.warn({ error: new Error('disk\nfull'), attempt: 2, of: 5, delayMs: 100 }, 'a batch is sent again');
  logger.warn({}, 'plain');
  expect(lines).toEqual([
    'warning: a batch is sent again (error disk\\u000afull, attempt 2, of 5)',
    'warning: plain',
  ]);
});

test('a line goes above the bar, which is cleared before and drawn again after', () => {
  let written = '';
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  stderr.on('data', (chunk: Buffer) => {
    written += chunk.toString();
  });
  const view = new ProgressView({ stdout: new PassThrough(), stderr, env: {}, cwd: '.' }, 0);
  view.begin();
  view.print('warning: something');
  view.end();
  const [before, after] = written.split('warning: something\n');
  const cursorToStartAndClear = '\u001b[1G\u001b[2K';
  expect(before).toContain('listing');
  expect(before!.endsWith(cursorToStartAndClear)).toBe(true);
  expect(after).toContain('listing');
});
