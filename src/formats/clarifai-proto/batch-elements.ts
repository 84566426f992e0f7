import { asError } from '../../model/errors.ts';
import { isMessage } from '../clarifai-json-fields.ts';
import { BrokenJson, ListScanner } from '../coco/list-scanner.ts';
import { decodeInput, WireError } from './decode.ts';
import type { Message } from './encode.ts';
import { INPUTS_FIELD } from './schema.ts';

/** An input of a batch. `offset`: where its message lies in the entry, behind tag and length. */
export interface BatchElement {
  message: Message;
  offset: number;
}

/** Gives elements on, one by one; `raw` is overwritten afterwards. */
export type TakeElement = (element: BatchElement, raw: Buffer) => void;

const LENGTH = 2;

/**
 * Reads a serialised `InputBatch` in order, holding one input at a time. Throws WireError, also for an input of more than
 * `maxBytes`, and what the chunks throw.
 */
export async function readProtobufBatch(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
  take: TakeElement,
): Promise<void> {
  let parts: Buffer[] = [];
  let held = 0;
  let offset = 0;
  let wanted = 1;
  for await (const chunk of chunks) {
    parts.push(chunk);
    held += chunk.length;
    if (held < wanted) continue;
    let bytes = parts.length === 1 ? chunk : Buffer.concat(parts, held);
    for (;;) {
      const field = nextField(bytes, offset);
      wanted = field?.end ?? bytes.length + 1;
      if (wanted > maxBytes) throw new WireError(`an input of ${wanted} bytes; the limit is ${maxBytes}`);
      if (wanted > bytes.length) break;
      const { start, end, isInput } = field!;
      const raw = bytes.subarray(start, end);
      if (isInput) take({ message: decodeInput(raw), offset: offset + start }, raw);
      bytes = bytes.subarray(end);
      offset += end;
    }
    parts = bytes.length === 0 ? [] : [bytes];
    held = bytes.length;
  }
  if (held > 0) throw new WireError(`it ends within the input at byte ${offset}`);
}

/** The first field of the bytes; undefined when its tag and length are not there whole. */
function nextField(
  bytes: Buffer,
  offset: number,
): { start: number; end: number; isInput: boolean } | undefined {
  const tag = varint(bytes, 0);
  const length = tag === undefined ? undefined : varint(bytes, tag.end);
  if (tag === undefined || length === undefined) {
    if (bytes.length > 20) throw new WireError(`no field at byte ${offset}`);
    return undefined;
  }
  if (tag.value % 8 !== LENGTH) throw new WireError(`no field of an InputBatch at byte ${offset}`);
  const isInput = Math.floor(tag.value / 8) === INPUTS_FIELD;
  return { start: length.end, end: length.end + length.value, isInput };
}

function varint(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let scale = 1, i = at; i < Math.min(bytes.length, at + 10); i++, scale *= 0x80) {
    value += (bytes[i]! & 0x7f) * scale;
    if (bytes[i]! < 0x80) return { value, end: i + 1 };
  }
  return undefined;
}

/** As `readProtobufBatch` for `{"inputs": […]}`. Throws BrokenJson. */
export async function readJsonBatch(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
  take: TakeElement,
): Promise<void> {
  const scanner = new ListScanner(reading(chunks), {
    inputs: {
      element(bytes, start, end, offset) {
        const raw = bytes.subarray(start, end);
        take({ message: parsed(raw, offset), offset }, raw);
      },
    },
  });
  await scanner.run(signal);
}

function parsed(raw: Buffer, offset: number): Message {
  try {
    const value: unknown = JSON.parse(raw.toString());
    if (isMessage(value)) return value;
  } catch (error) {
    throw new BrokenJson(asError(error).message, offset);
  }
  throw new BrokenJson('an input is an object', offset);
}

/** Chunks as a function that fills a buffer. */
function reading(chunks: AsyncIterable<Buffer>): (into: Uint8Array) => Promise<number> {
  const iterator = chunks[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);
  return async (into) => {
    while (chunk.length === 0) {
      const next = await iterator.next();
      if (next.done) return 0;
      chunk = next.value;
    }
    const length = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, length));
    chunk = chunk.subarray(length);
    return length;
  };
}
