import { describe, expect, it } from 'vitest';
import { FORMATS, type FormatInfo } from '../../src/media/formats.ts';
import { KINDS } from '../../src/model/kind.ts';
import { PROFILE_NAMES, resolveProfile } from '../../src/validation/index.ts';

describe('the profiles', () => {
  it('state the documented limits', () => {
    const { limits, formats } = resolveProfile('clarifai');
    const values = Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, limit.value]));
    expect(values).toEqual({
      'image.megapixels': 85,
      'image.megabytes': 20,
      'video.megabytes': 128,
      'video.urlMegabytes': 300,
      'video.urlMinutes': 10,
      'text.megabytes': 20,
      'audio.megabytes': 20,
      'id.characters': 48,
      'request.inputs': 128,
      'request.videos': 1,
      'request.megabytes': 128,
    });
    expect(formats).toEqual({
      image: ['jpeg', 'png', 'tiff', 'bmp', 'webp', 'gif'],
      video: ['avi', 'mp4', 'wmv', 'mov', '3gp'],
      text: ['text'],
      audio: ['wav'],
    });
  });

  it.each(PROFILE_NAMES)('%s names the source of every limit', (name) => {
    for (const limit of Object.values(resolveProfile(name).limits)) expect(limit.source).not.toBe('');
  });

  it.each(PROFILE_NAMES)('%s takes only formats that are known, of their own kind', (name) => {
    const known: Record<string, FormatInfo> = FORMATS;
    for (const kind of KINDS) {
      for (const format of resolveProfile(name).formats[kind]) expect(known[format]?.kind).toBe(kind);
    }
  });

  it('open takes all that clarifai takes', () => {
    const [narrow, wide] = [resolveProfile('clarifai'), resolveProfile('open')];
    for (const kind of KINDS)
      expect(wide.formats[kind]).toEqual(expect.arrayContaining([...narrow.formats[kind]]));
  });
});

describe('an override', () => {
  it('replaces one value and keeps the rest', () => {
    const { limits } = resolveProfile('clarifai', { 'image.megapixels': '100', 'text.megabytes': 0.5 });
    expect(limits['image.megapixels']).toMatchObject({
      value: 100,
      unit: 'MP',
      source: 'overridden by --limit',
    });
    expect(limits['text.megabytes']).toMatchObject({ value: 0.5, exclusive: true });
    expect(limits['audio.megabytes'].value).toBe(20);
    expect(resolveProfile('clarifai').limits['image.megapixels'].value).toBe(85);
  });

  it.each([
    ['image.megapixel', 'there is no limit "image.megapixel"; did you mean image.megapixels?'],
    ['toString', /^there is no limit "toString"; known are image\.megapixels, /],
  ])('with the name %s is refused', (name, message) => {
    expect(() => resolveProfile('clarifai', { [name]: 1 })).toThrow(message);
  });

  it.each([
    ['request.inputs', '--batch-items'],
    ['request.videos', '--batch-items'],
    ['request.megabytes', '--batch-megabytes'],
  ])('of %s is refused and points to %s', (name, flag) => {
    expect(() => resolveProfile('clarifai', { [name]: 1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(flag) }),
    );
  });

  it.each(['', 'many', '0', '-1', 'Infinity'])('with the value "%s" is refused', (value) => {
    expect(() => resolveProfile('open', { 'image.megapixels': value })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('number of MP above 0'),
      }),
    );
  });
});

it.each([
  ['clarify', 'there is no profile "clarify"; did you mean clarifai?'],
  ['constructor', 'there is no profile "constructor"; known are clarifai, open'],
])('the profile name %s is refused', (name, message) => {
  expect(() => resolveProfile(name)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message }));
});
