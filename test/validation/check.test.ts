import { describe, expect, it } from 'vitest';
import type { MediaInfo } from '../../src/model/input.ts';
import type { Kind } from '../../src/model/kind.ts';
import {
  checkFormat,
  checkId,
  checkMedia,
  maxBytes,
  maxPixels,
  resolveProfile,
} from '../../src/validation/index.ts';

const clarifai = resolveProfile('clarifai');
const open = resolveProfile('open');
const MB = 1_000_000;

const check = (kind: Kind, format: string, bytes: number, more: Partial<MediaInfo> = {}, viaUrl = false) =>
  checkMedia({ kind, bytes, media: { format, ...more }, viaUrl }, clarifai);
const overLimit = (message: string) => expect.objectContaining({ code: 'INPUT_OVER_LIMIT', message });

describe('checkId', () => {
  it.each(['a', 'x'.repeat(48), '👋'.repeat(48), 'a.b c/é'])('takes %s', (id) => {
    expect(() => checkId(id, clarifai)).not.toThrow();
  });

  it.each([
    ['', 'ID has 0 characters, allowed are 1–48'],
    ['x'.repeat(49), 'ID has 49 characters, allowed are 1–48'],
    ['👋'.repeat(49), 'ID has 49 characters, allowed are 1–48'],
    ['a:b', 'ID "a:b" contains a colon'],
  ])('refuses "%s"', (id, message) => {
    expect(() => checkId(id, clarifai)).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID_REQUEST', message }),
    );
  });

  it('takes colons and longer ids under open', () => {
    expect(() => checkId(`a:${'x'.repeat(253)}`, open)).not.toThrow();
    expect(() => checkId('x'.repeat(256), open)).toThrow(/allowed are 1–255/);
  });
});

describe('checkFormat', () => {
  it('gives the kind of what the profile takes', () => {
    expect(checkFormat({ format: 'jpeg', kind: 'image' }, clarifai)).toBe('image');
    expect(checkFormat({ format: 'mkv', kind: 'video' }, open)).toBe('video');
  });

  it.each([
    [{ format: 'flac', kind: 'audio' }, 'flac is no audio format of profile clarifai (wav)'],
    [
      { format: 'mkv', kind: 'video' },
      'mkv is no video format of profile clarifai (avi, mp4, wmv, mov, 3gp)',
    ],
    [{ format: 'm3u8' }, 'm3u8 is no image, video, text or audio'],
    [{ format: 'unknown' }, 'the content is no image, video, text or audio'],
    [{ format: 'zip', archive: true }, 'zip is no image, video, text or audio'],
  ] as const)('refuses %j', (sniffed, message) => {
    expect(() => checkFormat(sniffed, clarifai)).toThrow(
      expect.objectContaining({ code: 'INPUT_UNSUPPORTED_FORMAT', message, measured: sniffed.format }),
    );
  });

  it('calls an empty file empty, whatever its name', () => {
    expect(() => checkFormat({ format: 'empty' }, open)).toThrow(
      expect.objectContaining({ code: 'ALL_INPUT_INVALID_BYTES', message: 'the file is empty' }),
    );
  });
});

describe('the limits on bytes', () => {
  it.each([
    ['image', 'jpeg', 20],
    ['text', 'text', 20],
    ['audio', 'wav', 20],
    ['video', 'mp4', 128],
  ] as const)('of %s are exclusive', (kind, format, limit) => {
    expect(() => check(kind, format, limit * MB - 1)).not.toThrow();
    const message = `${kind.toUpperCase()} ${limit} MB >= ${limit} MB`;
    expect(() => check(kind, format, limit * MB)).toThrow(overLimit(message));
    expect(maxBytes(clarifai, kind, false)).toBe(limit * MB - 1);
  });

  it('of a video given as a URL are 300 MB, inclusive', () => {
    expect(() => check('video', 'mp4', 300 * MB, {}, true)).not.toThrow();
    expect(() => check('video', 'mp4', 300 * MB + 1, {}, true)).toThrow(
      overLimit('VIDEO 300.000001 MB > 300 MB'),
    );
    expect(maxBytes(clarifai, 'video', true)).toBe(300 * MB);
    expect(maxBytes(clarifai, 'image', true)).toBe(20 * MB - 1);
  });

  it('follow an override', () => {
    expect(maxBytes(resolveProfile('clarifai', { 'audio.megabytes': 0.0000015 }), 'audio', false)).toBe(1);
  });
});

describe('the limit on pixels', () => {
  it('is 85 megapixels, inclusive', () => {
    expect(maxPixels(clarifai)).toBe(85 * MB);
    expect(() => check('image', 'png', 1, { width: 8_500, height: 10_000 })).not.toThrow();
    expect(() => check('image', 'png', 1, { width: 30_000, height: 19_043 })).toThrow(
      overLimit('IMAGE 571 MP > 85 MP'),
    );
    expect(() => check('image', 'png', 1, { width: 8_500, height: 10_001 })).toThrow(
      overLimit('IMAGE 85.01 MP > 85 MP'),
    );
  });
});

describe('the limit on minutes', () => {
  it('holds for a video given as a URL and for no other', () => {
    const tenMinutes = 600_000;
    expect(() => check('video', 'mp4', 1, { durationMs: tenMinutes }, true)).not.toThrow();
    expect(() => check('video', 'mp4', 1, { durationMs: tenMinutes + 6_000 }, true)).toThrow(
      overLimit('VIDEO 10.1 min > 10 min'),
    );
    expect(() => check('video', 'mp4', 1, { durationMs: tenMinutes * 9 })).not.toThrow();
    expect(() => check('audio', 'wav', 1, { durationMs: tenMinutes * 9 }, true)).not.toThrow();
  });
});

it('refuses a format that only the probe could tell', () => {
  expect(() => check('audio', 'm4a', 1)).toThrow(/m4a is no audio format of profile clarifai/);
});
