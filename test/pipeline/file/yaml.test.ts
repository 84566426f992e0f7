import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readYaml } from '../../../src/pipeline/file/yaml.ts';

const token = fc.constantFrom(
  'a',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ',',
  '&x ',
  '*x',
  '!t ',
  '"',
  "'",
  '\n',
  '  ',
  '#',
  '|',
  '? ',
  '\t',
  'null',
  '<<',
  '---',
  '%',
);

it('never throws, whatever the text, and every problem has its place in it', () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(token, { maxLength: 40 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (given) => {
      const lines = given.split(/\r?\n/).length;
      for (const { line, column, message } of readYaml(given).problems) {
        expect(message).not.toBe('');
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines);
        expect(column).toBeGreaterThanOrEqual(1);
      }
    }),
    { numRuns: 1000 },
  );
});

it('gives any JSON value back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const { value: read, problems } = readYaml(stringify(value));
      expect(problems).toEqual([]);
      expect(JSON.stringify(read)).toBe(JSON.stringify(value));
    }),
    { numRuns: 300 },
  );
});

it('takes keys as they are written, those that look like other values too', () => {
  expect(readYaml('null: 1\ntrue: 2\n3: 4\n__proto__: 5').value).toEqual(
    Object.fromEntries([
      ['null', 1],
      ['true', 2],
      ['3', 4],
      ['__proto__', 5],
    ]),
  );
});
