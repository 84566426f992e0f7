import type { PageHeader } from 'hyparquet';

/** What the levels and indices of a page are: streams of runs, each of a width in bits. */
export interface Levels {
  repetition: number;
  definition: number;
  isBoolean: boolean;
}

/**
 * Throws when a run of an unpacked data page is longer than the page has values: the decoder believes the lengths of
 * runs, so that one wrong byte would have it write billions of values.
 */
export function checkRuns(page: Uint8Array, header: PageHeader, levels: Levels): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const v1 = header.data_page_header;
  const v2 = header.data_page_header_v2;
  const { num_values: values, encoding } = (v1 ?? v2)!;
  let at = 0;
  for (const [level, length] of [
    [levels.repetition, v2?.repetition_levels_byte_length],
    [levels.definition, v2?.definition_levels_byte_length],
  ] as const) {
    if (level > 0) at = checkStream(view, at, 32 - Math.clz32(level), values, length);
    else at += length ?? 0;
  }
  const isIndexed = encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY';
  if (isIndexed && at < page.length)
    checkStream(view, at + 1, view.getUint8(at), values, page.length - at - 1);
  else if (encoding === 'RLE' && levels.isBoolean) checkStream(view, at, 1, values);
}

/** Returns where the stream ends, whose `length` in bytes stands before it if it is not given. */
function checkStream(view: DataView, start: number, width: number, values: number, given?: number): number {
  let at = given === undefined ? start + 4 : start;
  const end = at + (given ?? view.getUint32(start, true));
  for (let seen = 0; seen < values && at < end; ) {
    let head = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      if (shift > 28) throw new Error('a run has no readable length');
      byte = view.getUint8(at++);
      head += (byte & 0x7f) * 2 ** shift;
    }
    // Groups of eight values, bit-packed; or one value, repeated.
    const isPacked = head % 2 === 1;
    const count = isPacked ? ((head - 1) / 2) * 8 : head / 2;
    // Writers that reserve room for a run may leave groups unused; none reserves more than a page of them.
    if (count > values + 512) throw new Error(`a run of ${count} values is in a page of ${values}`);
    at += isPacked ? (count / 8) * width : Math.ceil(width / 8);
    seen += count;
  }
  return end;
}
