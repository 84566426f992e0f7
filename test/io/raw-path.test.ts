import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  joinRaw,
  nativePath,
  type RawPath,
  rawBytes,
  rawText,
  rawUri,
  toRaw,
} from '../../src/io/raw-path.ts';

const uriOf = (text: string | Buffer) => rawUri(toRaw(text));

/** What the documentation of rawUri promises. */
function bytesOfUri(uri: string): Buffer {
  if (!uri.startsWith('./')) return Buffer.from(uri);
  const bytes: number[] = [];
  const escaped = Buffer.from(uri.slice(2));
  for (let at = 0; at < escaped.length; at++) {
    if (escaped[at] !== 0x25) bytes.push(escaped[at]!);
    else {
      bytes.push(Number.parseInt(escaped.toString('latin1', at + 1, at + 3), 16));
      at += 2;
    }
  }
  return Buffer.from(bytes);
}

/** A name that a directory can hold: any bytes but NUL and `/`, and neither `.` nor `..`. */
const name = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom('x.zip!', 'X.ZIP!', 'l.csv#L12', 'a#2', '%25', '%E9', 'caf\xe9')
      .map((text) => Buffer.from(text)),
    fc.constant(Buffer.from('caf\xe9', 'latin1')),
  )
  .filter(
    (bytes) => !bytes.includes(0) && !bytes.includes(0x2f) && !/^\.\.?$/.test(bytes.toString('latin1')),
  );
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((names) => Buffer.concat(names.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('/'), part]))));

describe('raw paths', () => {
  it.each([
    'a/b.jpg',
    'b\nc.jpg',
    '%41.jpg',
    'caf%C3%A9.jpg',
    'a#b!.jpg',
    'photo #2.jpg',
    '-rf',
    'end.',
    '🦊.png',
    'caf\u0065\u0301',
    ' ',
  ])('keep the name %j as it is in the uri', (text) => {
    expect(uriOf(text)).toBe(text);
  });

  it('escape bytes that are not UTF-8, and mark that with a leading ./', () => {
    expect(uriOf(Buffer.from('100%/caf\xe9.jpg', 'latin1'))).toBe('./100%25/caf%E9.jpg');
    expect(uriOf('./100%25/caf%E9.jpg'.slice(2))).toBe('100%25/caf%E9.jpg');
  });

  it('cannot be taken for an archive entry, a CSV row or a repeat', () => {
    expect(uriOf('x.zip!/a.jpg')).toBe('./x.zip%21/a.jpg');
    expect(uriOf('labels.csv#L12')).toBe('./labels.csv%23L12');
    expect(uriOf('a.jpg#2')).toBe('./a.jpg%232');
  });

  it('give the raw bytes back from the uri, so that no two paths share one', () => {
    fc.assert(
      fc.property(path, (bytes) => {
        expect(bytesOfUri(rawUri(toRaw(bytes))).equals(bytes)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('give the file system a string where the bytes are UTF-8, and else the bytes', () => {
    expect(nativePath(toRaw('é/🦊'))).toBe('é/🦊');
    const odd = Buffer.from('a\xff', 'latin1');
    expect(nativePath(toRaw(odd))).toEqual(odd);
    expect(rawBytes(toRaw(odd))).toEqual(odd);
  });

  it('read with what is not UTF-8 as %XX, also where a sequence is cut short', () => {
    expect(rawText(toRaw(Buffer.from([0x61, 0xe2, 0x82])))).toBe('a%E2%82');
    expect(rawText(toRaw('100%é'))).toBe('100%é');
  });

  it('join without doubling the slash of a root', () => {
    expect(joinRaw('/' as RawPath, 'a' as RawPath)).toBe('/a');
    expect(joinRaw('' as RawPath, 'a' as RawPath)).toBe('a');
    expect(joinRaw('a' as RawPath, 'b' as RawPath)).toBe('a/b');
  });
});
