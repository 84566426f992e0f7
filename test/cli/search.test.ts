import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { searchFilterOf, withSearchFilter } from '../../src/cli/search-flags.ts';
import { ingest, textItem } from '../stores/local/support.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** The filter of a command line. */
function filterOf(...args: string[]) {
  const command = withSearchFilter(new Command().exitOverride().configureOutput({ writeErr() {} }));
  command.parse(args, { from: 'user' });
  return searchFilterOf(command.opts());
}

describe('the flags of a search', () => {
  test.each<[what: string, args: string[], filter: unknown]>([
    ['nothing is no filter', [], undefined],
    ['a concept', ['--concept', 'cat'], { concept: 'cat' }],
    [
      'several concepts are all of them, a comma is either',
      ['--concept', 'cat,dog', '--concept', 'outside'],
      { all: [{ any: [{ concept: 'cat' }, { concept: 'dog' }] }, { concept: 'outside' }] },
    ],
    ['not a concept', ['--not-concept', 'cat'], { not: { concept: 'cat' } }],
    ['a negative concept', ['--negative-concept', 'cat'], { concept: 'cat', value: 0 }],
    [
      'metadata as number and as text',
      ['--metadata', 'camera.iso=100'],
      {
        any: [
          { metadata: 'camera.iso', equals: 100 },
          { metadata: 'camera.iso', equals: '100' },
        ],
      },
    ],
    ['metadata as text', ['--metadata', 'city=Berlin=West'], { metadata: 'city', equals: 'Berlin=West' }],
    ['metadata as quoted text', ['--metadata', 'iso="100"'], { metadata: 'iso', equals: '100' }],
    [
      'a radius and a dataset',
      ['--geo', '52.5,13.4,10', '--dataset', 'pets'],
      { all: [{ dataset: 'pets' }, { geo: { latitude: 52.5, longitude: 13.4, radiusKm: 10 } }] },
    ],
    [
      'a box, whichever latitude comes first',
      ['--geo-box', '53,13,52,14'],
      { geoBox: { south: 52, west: 13, north: 53, east: 14 } },
    ],
    ['a filter as JSON', ['--filter', '{"not":{"split":"test"}}'], { not: { split: 'test' } }],
  ])('%s', (_, args, filter) => {
    expect(filterOf(...args)).toEqual(filter);
  });

  test.each([
    [['--metadata', 'city'], 'PATH=VALUE'],
    [['--geo', '1,2'], '3 numbers'],
    [['--geo', '1,2,x'], '3 numbers'],
    [['--kind', 'film'], 'expected one of'],
    [['--concept', ','], 'expected a name'],
    [['--filter', '[]'], 'JSON object'],
  ])('%j is refused', (args, said) => {
    expect(() => filterOf(...args)).toThrow(said);
  });
});

test('a search of a store without an index says what to run, as one document with --json', async () => {
  const store = join(await tempFolder(), 'store');
  await ingest(store, [[textItem('t', 'words')]]);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const terminal = { stdout, stderr, env: {}, cwd: '.' };
  const code = await runCli(['search', '--text', 'a cat', '--store', store, '--json'], terminal);
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout.read().toString()) as { error: { code: string; message: string } };
  expect(error.code).toBe('INDEX_EMPTY');
  expect(error.message).toContain(`sluice reindex --store ${store}`);
});
