import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, violationsOf } from './support/architecture.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** The sources below src/, by their path with `/`. */
function sources(): Map<string, string> {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Map(files.map((name) => [name.replaceAll(sep, '/'), readFileSync(join(SRC, name), 'utf8')]));
}

const check = (files: Record<string, string>): string[] => violationsOf(new Map(Object.entries(files)));

describe('the rules of the rooms', () => {
  it('hold for all of src/', () => {
    const files = sources();
    expect(files.size).toBeGreaterThan(10);
    expect(violationsOf(files)).toEqual([]);
  });

  it('allow imports within a room and downward', () => {
    expect(
      check({
        'cli/main.ts': "import { run } from '../index.ts';\nconsole.log(run, process.env);\n",
        'index.ts': "export * from './pipeline/run.ts';\n",
        'pipeline/run.ts': "import { list } from '../loaders/csv.ts';\nexport const run = list;\n",
        'loaders/csv.ts': "export { list } from './records.ts';\n",
        'loaders/records.ts':
          "import type { Item } from '../model/item.ts';\nexport const list: Item[] = [];\n",
        'model/item.ts': 'export type Item = string;\n',
      }),
    ).toEqual([]);
  });

  it('refuse an upward import, of a type too', () => {
    const files = { 'model/a.ts': "import type { B } from '../pipeline/b.ts';\n", 'pipeline/b.ts': '' };
    expect(check(files)).toEqual(['model/a.ts:1: "../pipeline/b.ts" points upward, from model to pipeline']);
  });

  it('refuse an import between rooms of one level', () => {
    const files = { 'loaders/a.ts': "\nimport {\n  b,\n} from '../stores/b.ts';\n", 'stores/b.ts': '' };
    expect(check(files)).toEqual([
      'loaders/a.ts:2: loaders and stores are siblings; "../stores/b.ts" joins them',
    ]);
  });

  it('refuse a dynamic import that points upward', () => {
    const files = { 'io/a.ts': "  const b = await import('../cli/b.ts');\n", 'cli/b.ts': '' };
    expect(check(files)).toEqual(['io/a.ts:1: "../cli/b.ts" points upward, from io to cli']);
  });

  it('refuse a cycle of files and name the way round', () => {
    const files = {
      'io/a.ts': "import './b.ts';\n",
      'io/b.ts': "export * from './c.ts';\n",
      'io/c.ts': "import { a } from './a.ts';\n",
    };
    expect(check(files)).toEqual(['io/a.ts:1: cycle io/a.ts → io/b.ts → io/c.ts → io/a.ts']);
  });

  it('refuse a relative import without its suffix, or of a file that is not there', () => {
    expect(check({ 'io/a.ts': "import { b } from './b';\nimport { c } from './c.ts';\n" })).toEqual([
      'io/a.ts:1: "./b" lacks the .ts suffix',
      'io/a.ts:2: "./c.ts" is not a file of src/',
    ]);
  });

  it('refuse a file of over 400 lines, and a room nobody named', () => {
    expect(check({ 'io/a.ts': 'a;\n'.repeat(400) })).toEqual([]);
    expect(check({ 'io/a.ts': 'a;\n'.repeat(401) })).toEqual(['io/a.ts:401: 401 lines, over 400']);
    expect(check({ 'misc/a.ts': '' })).toEqual(['misc/a.ts:1: no room is called misc']);
  });

  it('keep fluent-ffmpeg inside media/', () => {
    const source = "import ffmpeg from 'fluent-ffmpeg';\n";
    expect(check({ 'media/a.ts': source })).toEqual([]);
    expect(check({ 'loaders/a.ts': source })).toEqual([
      'loaders/a.ts:1: only src/media/ may import fluent-ffmpeg',
    ]);
  });

  it.each([
    'console.log(1);',
    'process.env.HOME;',
    'process.stderr.write("");',
    'Date.now();',
    'new Date();',
  ])('refuse %s in library code and allow it in the command line', (line) => {
    expect(check({ 'io/a.ts': `${line}\n` })).toHaveLength(1);
    expect(check({ 'cli/a.ts': `${line}\n` })).toEqual([]);
  });

  it('are not misled by comments', () => {
    const source = [
      '/**',
      " * import { x } from '../cli/x.ts' and Date.now()",
      ' */',
      "// import('../cli/x.ts'); console.log",
      "const url = 'http://a'; // process.env",
    ];
    expect(importsOf(source.join('\n'))).toEqual([]);
    expect(check({ 'io/a.ts': source.join('\n') })).toEqual([]);
  });
});
