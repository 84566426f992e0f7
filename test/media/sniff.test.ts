import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { extensionDisagrees } from '../../src/media/formats.ts';
import { SNIFF_BYTES, sniff } from '../../src/media/sniff.ts';
import { wav } from '../support/wav.ts';
import { picture } from './fixtures.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const box = (type: string, body: string) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(8 + body.length);
  return Buffer.concat([head, bytes(type + body), Buffer.alloc(64)]);
};
const formatOf = async (head: Buffer) => (await sniff(head.subarray(0, SNIFF_BYTES))).format;

describe('sniff', () => {
  it.each(['jpeg', 'png', 'gif', 'webp', 'tiff', 'avif'] as const)(
    'knows a %s by its content',
    async (format) => {
      const file = await picture(64, 48)[format]().toBuffer();
      expect(await sniff(file.subarray(0, SNIFF_BYTES))).toEqual({ format, kind: 'image' });
    },
  );

  it.each([
    ['isom', 'mp4'],
    ['avc1', 'mp4'],
    ['qt  ', 'mov'],
    ['M4A ', 'm4a'],
    ['heic', 'heic'],
    ['3g2a', '3g2'],
    ...['3gp4', '3gp5', '3gp6', '3ge7', '3gg6', '3gr6', '3gs7'].map((brand) => [brand, '3gp']),
  ])('names an ISO file of brand %s %s', async (brand, format) => {
    expect(await formatOf(box('ftyp', `${brand}\0\0\0\0`))).toBe(format);
  });

  it.each([
    ['mif1', 'heic', 'heic'],
    ['mif1', 'avif', 'avif'],
    ['msf1', 'hevc', 'heic'],
  ])('looks behind the generic brand %s for %s', async (major, compatible, format) => {
    expect(await formatOf(box('ftyp', `${major}\0\0\0\0${compatible}`))).toBe(format);
  });

  it('knows QuickTime files that are older than brands', async () => {
    expect(await formatOf(box('moov', 'xxxx'))).toBe('mov');
  });

  it.each([
    ['\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm', 'webm'],
    ['\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska', 'mkv'],
    ['RIFF\x10\0\0\0AVI LIST', 'avi'],
    ['fLaC\0\0\0\x22', 'flac'],
    ['OggS\0\x02\0\0\0\0\x01vorbis', 'ogg'],
    ['OggS\0\x02\0\0\0\0\x80theora', 'ogv'],
    ['ID3\x04\0\0\0\0\0\0\xff\xfb\x90\x64\0\0\0\0', 'mp3'],
    ['ID3\x04\0\0\0\0\0\0fLaC\0\0\0\x22', 'flac'],
    ['\xff\xf1\x50\x80\x01\x7f\xfc\0', 'aac'],
    ['\xff\xfb\x90\x64\0\0\0\0', 'mp3'],
    ['FORM\0\0\0\x10AIFF', 'aiff'],
    ['#!AMR\n\0\0', 'amr'],
    ['%PDF-1.7\n%\xe2', 'pdf'],
    ['\x37\x7a\xbc\xaf\x27\x1c\0\x04', '7z'],
    ['Rar!\x1a\x07\x01\0', 'rar'],
  ])('knows %j as %s', async (head, format) => {
    expect(await formatOf(bytes(head))).toBe(format);
  });

  it('calls archives archives', async () => {
    const emptyZip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');
    expect(await sniff(emptyZip)).toEqual({ format: 'zip', archive: true });
    expect(await sniff(gzipSync('x'))).toEqual({ format: 'gzip', archive: true });
  });

  it.each([
    ['#EXTM3U\n#EXTINF:1,\n/etc/passwd\n', 'm3u8'],
    ['ffconcat version 1.0\nfile other.wav\n', 'ffconcat'],
    ['v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n', 'sdp'],
    ['[playlist]\nFile1=/etc/passwd\n', 'pls'],
    ['<?xml version="1.0"?>\n<!-- c --><MPD xmlns="urn:mpeg:dash"></MPD>', 'dash'],
    ['<asx version="3.0"><entry/></asx>', 'asx'],
  ])('takes the playlist %j for no video and no text', async (text, format) => {
    expect(await sniff(Buffer.from(text))).toEqual({ format });
  });

  it('tells drawings from other XML by the root element', async () => {
    expect(
      await formatOf(Buffer.from('\ufeff<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]>\n<svg/>')),
    ).toBe('svg');
    expect(await formatOf(Buffer.from('<html><body><svg/></body></html>'))).toBe('text');
  });

  it('stays quick on an XML prolog without an end', async () => {
    expect(await formatOf(Buffer.from('<!---->'.repeat(600)))).toBe('text');
  });

  it.each([
    'plain',
    'BM is how a bitmap begins',
    'RIFF, OggS and fLaC are signatures',
    'ID3 tags',
    'PK zipped',
    'Grüße, 你好, 👋\t\r\n',
    '\ufeffwith a byte order mark',
    '\u001b[1mbold\u001b[0m',
  ])('takes %j for text', async (text) => {
    expect(await sniff(Buffer.from(text))).toEqual({ format: 'text', kind: 'text' });
  });

  it('takes a text for text although the head ends inside a character', async () => {
    for (let cut = 1; cut <= 4; cut++) {
      expect(await formatOf(Buffer.from(`${'a'.repeat(100)}👋`).subarray(0, 100 + cut))).toBe('text');
    }
  });

  it('leaves texts in other encodings to the text check, which can name the fault', async () => {
    expect(await formatOf(bytes('caf\xe9 au lait'))).toBe('text');
    expect(await formatOf(Buffer.from('\ufeffhello', 'utf16le'))).toBe('text');
  });

  it('gives no kind to the empty file, to bytes without meaning and to documents', async () => {
    expect(await sniff(Buffer.alloc(0))).toEqual({ format: 'empty' });
    expect(await sniff(Buffer.from([1, 2, 3, 0, 5]))).toEqual({ format: 'unknown' });
    expect(await sniff(bytes('%PDF-1.4'))).toEqual({ format: 'pdf' });
  });

  it('does not take a raw photograph, which is a TIFF inside, for a TIFF', async () => {
    const canon = Buffer.concat([bytes('II*\0\x10\0\0\0CR\x02\0'), Buffer.alloc(64)]);
    expect(await sniff(canon)).toEqual({ format: 'cr2' });
  });

  it('knows a transport stream only by a sync byte in every packet', async () => {
    const packets = Buffer.alloc(188 * 5);
    for (let at = 0; at < packets.length; at += 188) packets[at] = 0x47;
    expect(await formatOf(packets)).toBe('mpegts');
    packets[188 * 3] = 0;
    expect(await formatOf(packets)).not.toBe('mpegts');
  });

  it('is not misled by any name, as it is given none', async () => {
    expect(await formatOf(wav(20))).toBe('wav');
    expect(
      await formatOf(
        await sharp(await picture(8, 8).png().toBuffer())
          .webp()
          .toBuffer(),
      ),
    ).toBe('webp');
  });
});

describe('extensionDisagrees', () => {
  it.each([
    ['a.jpg', 'jpeg', false],
    ['a.JPEG', 'jpeg', false],
    ['a.png', 'jpeg', true],
    ['a.mp4', 'text', true],
    ['a.txt', 'jpeg', true],
    ['noextension', 'jpeg', false],
    ['a.html', 'text', false],
    ['a.b.dat', 'wav', false],
    ['a.webm', 'weba', false],
    ['a.cr2', 'cr2', false],
  ])('for %s that is %s says %s', (name, format, expected) => {
    expect(extensionDisagrees(name, format)).toBe(expected);
  });
});
