import { describe, expect, it } from 'vitest';
import { ListingPosition } from '../../src/pipeline/listing-position.ts';

describe('the place where a listing may begin again', () => {
  it('lies before the earliest entry that has no outcome, whatever order outcomes come in', () => {
    let passed: string | undefined;
    const position = new ListingPosition({ position: () => passed });
    const list = (uri: string) => {
      position.listed(uri);
      passed = uri;
    };
    expect(position.safe).toBeUndefined();
    for (const uri of ['a', 'b', 'c', 'd']) list(uri);
    expect(position.safe).toBeUndefined();
    position.settled('c');
    position.settled('b');
    expect(position.safe).toBeUndefined();
    position.settled('a');
    expect(position.safe).toBe('c');
    position.settled('d');
    expect(position.safe).toBe('d');
  });

  it('is the beginning for a source that has no places', () => {
    const position = new ListingPosition({});
    position.listed('a');
    position.settled('a');
    expect(position.safe).toBeUndefined();
  });
});
