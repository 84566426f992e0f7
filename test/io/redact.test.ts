import { describe, expect, it } from 'vitest';
import { redactUrl } from '../../src/io/redact.ts';

describe('redactUrl', () => {
  it.each([
    ['https://example.org/a.jpg', 'https://example.org/a.jpg'],
    ['https://example.org/a.jpg?width=640&v=2', 'https://example.org/a.jpg?width=640&v=2'],
    ['https://example.org/search?q=red+car&page=2', 'https://example.org/search?q=red+car&page=2'],
    ['not a url at all', 'not a url at all'],
    ['', ''],
  ])('leaves what holds no secret: %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });

  it.each([
    'https://user:s3cret@example.org/a.jpg',
    'https://s3cret@example.org/a.jpg',
    'https://user:p@s3cret@example.org/a.jpg',
    'https:user:s3cret@example.org/a.jpg',
    'https:\\\\user:s3cret@example.org/a.jpg',
    'HTTPS://user:s3cret@example.org/a.jpg',
    'ftp://user:s3cret@example.org/a.jpg',
    'http://user:s3cret@[bad/a.jpg',
    'https://b.s3.amazonaws.com/a?X-Amz-Credential=s3cret&X-Amz-Signature=s3cret&X-Amz-Security-Token=s3cret',
    'https://storage.googleapis.com/a?GoogleAccessId=x&Signature=s3cret',
    'https://x.blob.core.windows.net/a?sv=2022&sig=s3cret',
    'https://d.cloudfront.net/a?Policy=s3cret&Key-Pair-Id=s3cret',
    'https://example.org/a?access_token=s3cret',
    'https://example.org/a?API-KEY=s3cret',
    'https://example.org/a?password=s3cret#x',
    'https://example.org/a?acc%65ss_token=s3cret',
    'https://example.org/a#access_token=s3cret',
    'https://example.org/a?x=s3cret4f2a9c0b1d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4',
    'https://example.org/a?s3cret4f2a9c0b1d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4',
  ])('hides the secret of %s', (url) => {
    expect(redactUrl(url)).not.toContain('s3cret');
  });

  it('hides a JSON web token under any name', () => {
    expect(redactUrl('https://example.org/a?x=eyJhbGciOiJIUzI1NiJ9.e30.abc')).toBe(
      'https://example.org/a?x=REDACTED',
    );
  });

  it('keeps place and other parameters, so that the URL can be recognised', () => {
    expect(redactUrl('https://u:p@example.org:8443/a/b.jpg?w=1&sig=abc&h=2')).toBe(
      'https://example.org:8443/a/b.jpg?w=1&sig=REDACTED&h=2',
    );
  });
});
