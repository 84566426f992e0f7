import { describe, expect, it } from 'vitest';
import { bufferSource } from '../../src/media/byte-source.ts';
import { checkContainerEnd } from '../../src/media/container-end.ts';
import { errorOf } from './fixtures.ts';

const check = (format: string, ...parts: Buffer[]) =>
  checkContainerEnd(format, bufferSource(Buffer.concat(parts)));

function box(type: string, size: number, bytes = size): Buffer {
  const part = Buffer.alloc(bytes);
  part.writeUInt32BE(size);
  part.write(type, 4, 'latin1');
  return part;
}

function longBox(type: string, size: bigint, bytes: number): Buffer {
  const part = box(type, 1, bytes);
  part.writeBigUInt64BE(size, 8);
  return part;
}

describe('checkContainerEnd', () => {
  it('walks boxes with sizes of 32 and of 64 bits', async () => {
    expect(await check('mp4', box('ftyp', 16), longBox('mdat', 40n, 40), box('moov', 24))).toEqual({
      finished: true,
    });
    const error = await errorOf(
      check('mp4', box('ftyp', 16), longBox('mdat', 2n ** 40n, 40)),
      'ALL_INPUT_INVALID_BYTES',
    );
    expect(error).toMatchObject({ measured: 56, limit: 2 ** 40 + 16 });
  });

  it('takes a box that goes to the end of the file for one that was never finished', async () => {
    expect(await check('mov', box('ftyp', 16), box('mdat', 0, 100))).toEqual({ finished: false });
  });

  it('stops at what is no box, where players stop as well', async () => {
    expect(await check('mp4', box('ftyp', 16), Buffer.alloc(20))).toEqual({ finished: true });
  });

  it('does not walk millions of empty boxes', async () => {
    const boxes = Buffer.alloc(8 * 200_001);
    for (let at = 0; at < boxes.length; at += 8) box('free', 8).copy(boxes, at);
    await errorOf(check('mp4', boxes), 'ALL_INPUT_INVALID_BYTES');
  });

  it.each([
    ['a Segment of known size', '84', 4, true],
    ['a Segment of unknown size', '01ffffffffffffff', 4, false],
  ])('reads %s', async (_, size, bytes, finished) => {
    const segment = Buffer.concat([Buffer.from(`18538067${size}`, 'hex'), Buffer.alloc(bytes)]);
    expect(await check('webm', Buffer.from('1a45dfa38100', 'hex'), segment)).toEqual({ finished });
  });

  it('passes formats that claim no size', async () => {
    expect(await check('mp3', Buffer.from([0xff, 0xfb]))).toEqual({ finished: true });
  });
});
