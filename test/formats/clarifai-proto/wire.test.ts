import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeInput, WireError } from '../../../src/formats/clarifai-proto/decode.ts';
import { encodeInput, type Message } from '../../../src/formats/clarifai-proto/encode.ts';
import { PROTOBUF } from '../../../src/formats/clarifai-proto/exact.ts';
import { inputMessage } from '../../../src/formats/clarifai-proto/input-message.ts';
import type { Piece } from '../../../src/formats/clarifai-proto/wire-writer.ts';
import { inputBatchType } from '../../support/clarifai-proto.ts';
import { type Held, heldInput } from '../../support/memory-export.ts';
import { randomInputs } from '../../support/random-inputs.ts';

const assembled = (pieces: readonly Piece[], media: Buffer): Buffer =>
  Buffer.concat(pieces.map((piece) => (Buffer.isBuffer(piece) ? piece : media)));

/** The bytes of an element of a batch without its tag and length. */
function content(element: Buffer): Buffer {
  let at = 1;
  while (element[at]! >= 0x80) at++;
  return element.subarray(at + 1);
}

async function encoded(held: Held): Promise<{ message: Message; bytes: Buffer; media: Buffer }> {
  const media = Buffer.isBuffer(held.content) ? held.content : Buffer.alloc(0);
  const place = held.kind === 'text' ? {} : { outside: { outside: media.length } };
  const vectors = [{ model: 'm', part: 'whole', vector: Float32Array.of(0, -1.5, 3) }];
  const { message } = await inputMessage(heldInput(held), place, vectors, PROTOBUF);
  return { message, bytes: assembled(encodeInput(message), media), media };
}

/** What protobufjs makes of a batch, as JSON with enums by name, bytes in base64, and only what is on the wire. */
const theirs = (bytes: Buffer): { inputs: Message[] } =>
  inputBatchType.toObject(inputBatchType.decode(bytes), { enums: String, bytes: String }) as {
    inputs: Message[];
  };

describe('the wire encoding of inputs', () => {
  it('is read by protobufjs over the platform’s own .proto files as what was written', async () => {
    await fc.assert(
      fc.asyncProperty(randomInputs, async (inputs) => {
        const all = await Promise.all(inputs.map(encoded));
        const batch = theirs(Buffer.concat(all.map(({ bytes }) => bytes)));
        expect(batch.inputs ?? []).toEqual(all.map(({ message, media }) => onTheWire(message, media)));
      }),
      { numRuns: 60 },
    );
  });

  it('is byte for byte what protobufjs writes, and read back as what protobufjs reads', async () => {
    await fc.assert(
      fc.asyncProperty(randomInputs, async (inputs) => {
        for (const { bytes, media } of await Promise.all(inputs.map(encoded))) {
          const decoded = inputBatchType.decode(bytes);
          const written = Buffer.from(inputBatchType.encode(decoded).finish());
          expect(written.equals(bytes)).toBe(true);
          const ours = decodeInput(content(bytes)) as { data: Record<string, Message> };
          const [expected] = theirs(bytes).inputs;
          for (const kind of ['image', 'video', 'audio']) {
            const range = ours.data[kind]?.['base64'] as { start: number; bytes: number } | undefined;
            if (range === undefined) continue;
            expect(content(bytes).subarray(range.start, range.start + range.bytes)).toEqual(media);
            ours.data[kind]!['base64'] = media.toString('base64');
          }
          expect((expected!['data'] as Message)['embeddings']).toEqual([
            { vector: [0, -1.5, 3], numDimensions: 3 },
          ]);
          (expected!['data'] as Message)['embeddings'] = ours.data['embeddings'];
          expect(ours).toEqual(plainStructs(expected!));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('skips fields that it does not know, and merges a message that comes twice', () => {
    const object = {
      id: 'a',
      createdAt: { seconds: 5 },
      data: { colors: [{ rawHex: '#fff' }], image: { allowDuplicateUrl: true, url: 'u' } },
    };
    const type = inputBatchType;
    const batch = Buffer.from(type.encode(type.fromObject({ inputs: [object] })).finish());
    const more = content(
      Buffer.from(
        type.encode(type.fromObject({ inputs: [{ data: { image: { imageInfo: { width: 3 } } } }] })).finish(),
      ),
    );
    expect(decodeInput(Buffer.concat([content(batch), more]))).toEqual({
      id: 'a',
      data: { image: { url: 'u', imageInfo: { width: 3 } } },
    });
  });

  it('gives an error for bytes that end within a message, wherever that is', async () => {
    const { bytes } = await encoded({
      id: 'cut',
      metadata: { a: [1, { b: null }] },
      content: Buffer.from('media'),
    });
    const whole = content(bytes);
    let refused = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        decodeInput(whole.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(whole.length - 5);
  });

  it('refuses messages that are nested without end', () => {
    let value = Buffer.from([]);
    for (let i = 0; i < 300; i++) {
      const length = value.length < 0x80 ? [value.length] : [(value.length & 0x7f) | 0x80, value.length >> 7];
      value = Buffer.concat([Buffer.from([0x32, ...length]), value]);
      value = Buffer.concat([
        Buffer.from([
          0x0a,
          ...(value.length < 0x80 ? [value.length] : [(value.length & 0x7f) | 0x80, value.length >> 7]),
        ]),
        value,
      ]);
    }
    const field = (number: number, inner: Buffer): Buffer =>
      Buffer.concat([
        Buffer.from([
          number * 8 + 2,
          ...(inner.length < 0x80 ? [inner.length] : [(inner.length & 0x7f) | 0x80, inner.length >> 7]),
        ]),
        inner,
      ]);
    const entry = field(1, field(2, field(6, value)));
    expect(() => decodeInput(field(2, field(5, entry)))).toThrow(WireError);
  });
});

/** A message as it is on the wire: floats of 32 bits, no zeros, structs as messages. */
function onTheWire(message: Message, media: Buffer): unknown {
  const bytes = assembled(encodeInput(message), media);
  const decoded = decodeInput(content(bytes)) as { data: Record<string, Message> };
  for (const kind of ['image', 'video', 'audio']) {
    if (decoded.data[kind]?.['base64'] !== undefined)
      decoded.data[kind]!['base64'] = media.toString('base64');
  }
  return withStructs({
    ...decoded,
    data: {
      ...decoded.data, // Vectors are only written.
      embeddings: [{ vector: [0, -1.5, 3], numDimensions: 3 }],
    },
  });
}

const structOf = (fields: object): object => ({
  fields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, messageOf(value)])),
});

function messageOf(value: unknown): object {
  if (value === null) return { nullValue: 'NULL_VALUE' };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: value.length === 0 ? {} : { values: value.map(messageOf) } };
  return { structValue: Object.keys(value as object).length === 0 ? {} : structOf(value as object) };
}

function withStructs(value: unknown, key = ''): unknown {
  if (key === 'metadata') return structOf(value as object);
  if (Array.isArray(value)) return value.map((each) => withStructs(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withStructs(inner, name)]));
}

function plainValue(value: Message): unknown {
  if ('structValue' in value) return plainStruct(value['structValue'] as Message);
  if ('listValue' in value)
    return (((value['listValue'] as Message)['values'] as Message[]) ?? []).map(plainValue);
  return 'nullValue' in value ? null : Object.values(value)[0];
}

const plainStruct = (struct: Message): object =>
  Object.fromEntries(
    Object.entries((struct['fields'] as Record<string, Message>) ?? {}).map(([key, value]) => [
      key,
      plainValue(value),
    ]),
  );

function plainStructs(value: unknown, key = ''): unknown {
  if (key === 'metadata') return plainStruct(value as Message);
  if (Array.isArray(value)) return value.map((each) => plainStructs(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plainStructs(inner, name)]));
}
