import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonlWriter, readJsonlBlocks } from '../../src/io/jsonl.ts';
import { tempFolder } from '../support/temp-folder.ts';

const HEADER = '{"schema":1,"type":"ledger"}\n';

async function readAll(path: string, type = 'ledger') {
  const values: unknown[] = [];
  let torn: number | undefined;
  for await (const block of readJsonlBlocks(path, { type, onTorn: (bytes) => (torn = bytes) })) {
    values.push(...block);
  }
  return { values, torn };
}

async function write(path: string, values: object[]): Promise<void> {
  const writer = new JsonlWriter(path, 'ledger');
  for (const value of values) writer.append(value);
  writer.close();
}

async function ledgerPath(): Promise<string> {
  return join(await tempFolder(), 'ledger.jsonl');
}

describe('JsonlWriter', () => {
  it('starts a new file with its header, on the disk before the first line', async () => {
    const path = await ledgerPath();
    const writer = new JsonlWriter(path, 'ledger');
    expect(await readFile(path, 'utf8')).toBe(HEADER);
    writer.close();
  });

  it('appends to what is there and writes the header once', async () => {
    const path = await ledgerPath();
    await write(path, [{ a: 1 }]);
    await write(path, [{ a: 2 }]);
    expect(await readFile(path, 'utf8')).toBe(`${HEADER}{"a":1}\n{"a":2}\n`);
  });

  it('keeps lines in memory until they are flushed or a block is full', async () => {
    const path = await ledgerPath();
    const writer = new JsonlWriter(path, 'ledger');
    writer.append({ a: 1 });
    expect((await stat(path)).size).toBe(HEADER.length);
    await writer.flush({ sync: true });
    expect(await readFile(path, 'utf8')).toBe(`${HEADER}{"a":1}\n`);
    writer.append({ long: 'x'.repeat(100_000) });
    expect((await stat(path)).size).toBeGreaterThan(100_000);
    writer.close();
    writer.close();
  });

  it('cuts a torn last line, wherever it is torn', async () => {
    const path = await ledgerPath();
    await write(path, [{ a: 1 }, { b: 'zwölf 😀' }]);
    const whole = await readFile(path);
    const lastLine = Buffer.byteLength('{"b":"zwölf 😀"}\n');
    for (let cut = 2; cut < lastLine; cut++) {
      await writeFile(path, whole.subarray(0, whole.length - cut));
      await write(path, [{ c: 3 }]);
      expect((await readAll(path)).values).toEqual([{ a: 1 }, { c: 3 }]);
    }
  });

  it('keeps a last line that lacks only its newline', async () => {
    const path = await ledgerPath();
    await write(path, [{ a: 1 }]);
    await truncate(path, (await stat(path)).size - 1);
    await write(path, [{ b: 2 }]);
    expect(await readFile(path, 'utf8')).toBe(`${HEADER}{"a":1}\n{"b":2}\n`);
  });

  it('cuts a torn line that is longer than a block', async () => {
    const path = await ledgerPath();
    await write(path, [{ a: 1 }]);
    await appendFile(path, `{"long":"${'x'.repeat(200_000)}`);
    await write(path, [{ b: 2 }]);
    expect(await readFile(path, 'utf8')).toBe(`${HEADER}{"a":1}\n{"b":2}\n`);
  });

  it('writes a torn header again', async () => {
    const path = await ledgerPath();
    await writeFile(path, HEADER.slice(0, 9));
    await write(path, [{ a: 1 }]);
    expect(await readFile(path, 'utf8')).toBe(`${HEADER}{"a":1}\n`);
  });

  it.each([
    ['another type', '{"schema":1,"type":"failures"}\n'],
    ['a newer schema', '{"schema":2,"type":"ledger"}\n'],
    ['something else', 'hello\n'],
  ])('refuses to append to a file of %s and leaves it as it is', async (_name, content) => {
    const path = await ledgerPath();
    await writeFile(path, content);
    expect(() => new JsonlWriter(path, 'ledger')).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT', message: expect.stringContaining(`${path}:1`) }),
    );
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  it('names the path when it cannot be opened', async () => {
    const path = join(await tempFolder(), 'no-such-folder', 'ledger.jsonl');
    expect(() => new JsonlWriter(path, 'ledger')).toThrow(
      expect.objectContaining({ code: 'STORE_WRITE_FAILED', message: expect.stringContaining(path) }),
    );
  });

  it.skipIf(process.platform !== 'linux')('says that the disk is full, as a fatal error', () => {
    // /dev/full fails every write with ENOSPC.
    expect(() => new JsonlWriter('/dev/full', 'ledger')).toThrow(
      expect.objectContaining({ name: 'FatalError', code: 'STORE_FULL' }),
    );
  });
});

describe('readJsonlBlocks', () => {
  it('gives back what was written, whatever it is and however long', async () => {
    const path = await ledgerPath();
    const value = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 20 }), fc.nat(400_000), async (values, length) => {
        await writeFile(path, '');
        // A long line moves the others to any place in the reader's blocks.
        const lines = [{ long: 'é'.repeat(length) }, ...values];
        await write(path, lines);
        expect((await readAll(path)).values).toEqual(JSON.parse(JSON.stringify(lines)));
      }),
      { numRuns: 50 },
    );
  });

  it('gives many lines in few blocks and in order', async () => {
    const path = await ledgerPath();
    const lines = Array.from({ length: 50_000 }, (_, at) => ({ at, name: `photo-${at}.jpg` }));
    await write(path, lines);
    let blocks = 0;
    const values: unknown[] = [];
    for await (const block of readJsonlBlocks(path, { type: 'ledger' })) {
      blocks++;
      values.push(...block);
    }
    expect(values).toEqual(lines);
    expect(blocks).toBeLessThan(20);
  });

  it('leaves out a torn last line and says how long it is', async () => {
    const path = await ledgerPath();
    await writeFile(path, `${HEADER}{"a":1}\n{"b":`);
    expect(await readAll(path)).toEqual({ values: [{ a: 1 }], torn: 5 });
  });

  it('reads a last line without newline, as editors leave it, blank lines and CRLF', async () => {
    const path = await ledgerPath();
    await writeFile(path, `${HEADER.trim()}\r\n{"a":1}\r\n\r\n\n{"b":2}`);
    expect(await readAll(path)).toEqual({ values: [{ a: 1 }, { b: 2 }], torn: undefined });
  });

  it('reads an empty file and one with nothing but a header as no lines', async () => {
    const path = await ledgerPath();
    for (const content of ['', HEADER, HEADER.trim()]) {
      await writeFile(path, content);
      expect((await readAll(path)).values).toEqual([]);
    }
  });

  it('names the line that is no JSON in the middle of the file', async () => {
    const path = await ledgerPath();
    await writeFile(path, `${HEADER}{"a":1}\n{"b":\n{"c":3}\n`);
    await expect(readAll(path)).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(`${path}:3`),
    });
  });

  it('refuses a file of another type', async () => {
    const path = await ledgerPath();
    await write(path, []);
    await expect(readAll(path, 'failures')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('stops when aborted', async () => {
    const path = await ledgerPath();
    await write(path, [{ a: 1 }]);
    const blocks = readJsonlBlocks(path, { type: 'ledger', signal: AbortSignal.abort('ctrl-c') });
    await expect(blocks.next()).rejects.toBe('ctrl-c');
  });
});
