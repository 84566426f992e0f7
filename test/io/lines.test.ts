import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutLines, type Line } from '../../src/io/lines.ts';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function cut(content: string | Buffer, { size = 7, maxBytes = 1000 } = {}): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const block of cutLines(chunksOf(Buffer.from(content), size), maxBytes)) lines.push(...block);
  return lines;
}

const texts = async (...given: Parameters<typeof cut>) =>
  (await cut(...given)).map(({ bytes }) => `${bytes}`);

describe('cutLines', () => {
  it.each([
    ['nothing', '', []],
    ['LF', 'a\nb\n', ['a', 'b']],
    ['CRLF, also where a chunk ends between the two', 'abcdef\r\nb\r\n', ['abcdef', 'b']],
    ['a last line that does not end', 'a\nb', ['a', 'b']],
    ['blank lines', '\n\na\n\n', ['', '', 'a', '']],
    ['a byte order mark, but not in the middle', '\ufeffa\n\ufeffb', ['a', '\ufeffb']],
    ['a carriage return inside a line', 'a\rb\r\r\n', ['a\rb\r']],
  ])('reads %s', async (_name, content, expected) => {
    expect(await texts(content)).toEqual(expected);
    expect(await texts(content, { size: 1 })).toEqual(expected);
  });

  it('gives the same lines whatever the chunks, numbered in order', async () => {
    const character = fc.constantFrom('a', 'é', '\n', '\r', '\ufeff', ' ');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: character }), fc.integer({ min: 1, max: 9 }), async (text, size) => {
        const whole = await cut(text, { size: 10_000 });
        expect(await cut(text, { size })).toEqual(whole);
        expect(whole.map(({ number }) => number)).toEqual(whole.map((_, i) => i + 1));
        const expected = text.replace(/^\ufeff/, '').split('\n');
        // What follows the last line end is a line only when something is there.
        if (expected.at(-1) === '' && (text.endsWith('\n') || text === '')) expected.pop();
        expect(whole.map(({ bytes }) => `${bytes}`)).toEqual(expected.map((line) => line.replace(/\r$/, '')));
      }),
    );
  });

  it('keeps only the beginning of a line over the limit, and says how long it was', async () => {
    const content = `${'x'.repeat(20)}\r\n${'y'.repeat(21)}\n${'z'.repeat(50)}\nend`;
    const lines = await cut(content, { maxBytes: 20 });
    expect(lines.map(({ bytes, length }) => [`${bytes}`, length])).toEqual([
      ['x'.repeat(20), 20],
      ['y'.repeat(20), 21],
      ['z'.repeat(20), 50],
      ['end', 3],
    ]);
  });
});
