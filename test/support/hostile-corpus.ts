import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { Code } from '../../src/model/codes.ts';
import { wav } from './wav.ts';
import { writeZip } from './zip-writer.ts';

/** Expected code of each entry of the corpus, by uri; `ok` stands for INPUT_SUCCESS. */
export type Manifest = Map<string, Code>;

/** Writes a folder of good and bad files and gives what must become of each of them. */
export async function writeHostileCorpus(root: string): Promise<Manifest> {
  const manifest: Manifest = new Map();
  const put = (uri: string, data: Buffer | string, code: Code) => {
    mkdirSync(dirname(join(root, uri)), { recursive: true });
    writeFileSync(join(root, uri), data);
    manifest.set(uri, code);
  };
  await putImages(put);
  putTexts(put);
  putSounds(put);
  putNames(put);
  if (process.platform !== 'win32') putSpecials(root, manifest, put);
  putArchives(root, manifest);
  return manifest;
}

type Put = (uri: string, data: Buffer | string, code: Code) => void;

async function putImages(put: Put): Promise<void> {
  const noise = sharp(await noisePixels(320, 240), { raw: { width: 320, height: 240, channels: 3 } });
  const jpeg = await noise.clone().jpeg().toBuffer();
  put('images/good.jpg', jpeg, 'INPUT_SUCCESS');
  put('images/good.PNG', await noise.clone().png().toBuffer(), 'INPUT_SUCCESS');
  put('images/good.webp', await noise.clone().webp().toBuffer(), 'INPUT_SUCCESS');
  put('images/good.tiff', await noise.clone().tiff().toBuffer(), 'INPUT_SUCCESS');
  put('images/good.gif', await noise.clone().gif().toBuffer(), 'INPUT_SUCCESS');
  put('images/no-extension', jpeg, 'INPUT_SUCCESS');
  put('images/really-a-jpeg.png', await noise.clone().rotate(90).jpeg().toBuffer(), 'INPUT_SUCCESS');
  put('images/avif.avif', await noise.clone().avif().toBuffer(), 'INPUT_UNSUPPORTED_FORMAT');
  for (const share of [0.1, 0.5, 0.99]) {
    put(`images/cut-${share * 100}.jpg`, jpeg.subarray(0, jpeg.length * share), 'ALL_INPUT_INVALID_BYTES');
  }
  put('images/cut-2-bytes.jpg', jpeg.subarray(0, -2), 'ALL_INPUT_INVALID_BYTES');
  put('images/empty.jpg', '', 'ALL_INPUT_INVALID_BYTES');
  put('images/bomb.png', bombPng(50_000, 50_000), 'INPUT_OVER_LIMIT');
  put('images/heavy.jpg', Buffer.concat([jpeg, Buffer.alloc(20_000_000)]), 'INPUT_OVER_LIMIT');
}

function putTexts(put: Put): void {
  put('texts/plain.txt', 'A plain text.\n', 'INPUT_SUCCESS');
  put('texts/rows.csv', 'a,b\n1,2\n', 'INPUT_SUCCESS');
  put('texts/latin1.txt', Buffer.from('caf\xe9 au lait\n', 'latin1'), 'ALL_INPUT_INVALID_BYTES');
  put('texts/empty.txt', '', 'ALL_INPUT_INVALID_BYTES');
  put('texts/report.pdf', '%PDF-1.7\n1 0 obj\n<<>>\nendobj\n', 'INPUT_UNSUPPORTED_FORMAT');
}

function putSounds(put: Put): void {
  put('sounds/tone.wav', wav(300), 'INPUT_SUCCESS');
  put('sounds/lying.wav', wav(300, { claim: 500_000 }), 'ALL_INPUT_INVALID_BYTES');
  put('videos/empty.mp4', '', 'ALL_INPUT_INVALID_BYTES');
  put('videos/playlist.mp4', '#EXTM3U\n#EXTINF:1,\n../images/good.jpg\n', 'INPUT_UNSUPPORTED_FORMAT');
}

function putNames(put: Put): void {
  put('.DS_Store', 'junk', 'JUNK_FILE');
  put('texts/Thumbs.db', 'junk', 'JUNK_FILE');
  put('names/a.b.txt', 'a.b', 'INPUT_SUCCESS');
  put('names/a.c.txt', 'a.c', 'INPUT_SUCCESS');
  put('names/100%41#!.txt', 'percent', 'INPUT_SUCCESS');
  put('names/\u{1f980} \u00e9.txt', 'composed', 'INPUT_SUCCESS');
  put('names/\u{1f980} e\u0301.txt', 'decomposed', 'INPUT_SUCCESS');
}

function putSpecials(root: string, manifest: Manifest, put: Put): void {
  mkdirSync(join(root, 'special'));
  execFileSync('mkfifo', [join(root, 'special/pipe.jpg')]);
  manifest.set('special/pipe.jpg', 'NOT_A_REGULAR_FILE');
  symlinkSync('../nowhere.jpg', join(root, 'special/broken.jpg'));
  manifest.set('special/broken.jpg', 'INPUT_NOT_FOUND');
  put('special/trailing dot.', 'dot', 'INPUT_SUCCESS');
}

function putArchives(root: string, manifest: Manifest): void {
  const text = (n: number) => `text number ${n}, long enough to be worth deflating, deflating, deflating`;
  writeZip(join(root, 'mixed.zip'), [
    { name: 'good.txt', data: text(1) },
    { name: '../climbs.txt', data: text(2) },
    { name: '/absolute.txt', data: text(3) },
    { name: 'twice.txt', data: text(4) },
    { name: 'twice.txt', data: text(5) },
    { name: 'wrong-crc.txt', data: text(6), crc: 1 },
    { name: 'locked.txt', data: text(7), flags: 1 },
    { name: 'inner.zip', data: Buffer.from('PK\x05\x06'.padEnd(22, '\0'), 'latin1') },
    { name: '__MACOSX/._good.txt', data: 'junk' },
  ]);
  const codes: [string, Code][] = [
    ['good.txt', 'INPUT_SUCCESS'],
    ['../climbs.txt', 'ZIP_ENTRY_UNSAFE'],
    ['/absolute.txt', 'ZIP_ENTRY_UNSAFE'],
    ['twice.txt', 'INPUT_SUCCESS'],
    ['twice.txt#2', 'ZIP_ENTRY_DUPLICATE'],
    ['wrong-crc.txt', 'ZIP_ENTRY_CORRUPT'],
    ['locked.txt', 'ZIP_ENTRY_ENCRYPTED'],
    ['inner.zip', 'NESTED_ARCHIVE'],
    ['__MACOSX/._good.txt', 'JUNK_FILE'],
  ];
  for (const [name, code] of codes) manifest.set(`mixed.zip!/${name}`, code);
  writeFileSync(join(root, 'broken.zip'), `PK\x03\x04${'broken'.repeat(100)}`);
  manifest.set('broken.zip', 'ARCHIVE_UNREADABLE');
}

async function noisePixels(width: number, height: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 12345;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    pixels[i] = (i % 251) ^ (state >>> 24);
  }
  return pixels;
}

/** A black 1-bit PNG: few bytes that decode to very many pixels. */
function bombPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const row = Math.ceil(width / 8) + 1;
  const data = deflateSync(Buffer.alloc(row * height), { level: 9 });
  const chunk = (type: string, body: Buffer) => {
    const out = Buffer.alloc(body.length + 12);
    out.writeUInt32BE(body.length, 0);
    out.write(type, 4, 'latin1');
    body.copy(out, 8);
    out.writeUInt32BE(crc32(out.subarray(4, body.length + 8)), body.length + 8);
    return out;
  };
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
