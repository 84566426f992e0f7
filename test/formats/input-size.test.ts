import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestOverhead, serializedInputSize, type WireInput } from '../../src/formats/input-size.ts';
import { KINDS } from '../../src/model/kind.ts';

/** Encodes with the platform's own .proto files. */
const encodeRequest = (() => {
  const require = createRequire(import.meta.url);
  // Imports in the .proto files are relative to the package; google/api comes with protobufjs.
  const packageFolder = dirname(dirname(require.resolve('clarifai-nodejs-grpc')));
  const ofLoader = createRequire(require.resolve('@grpc/proto-loader'));
  const protobufjs = dirname(ofLoader.resolve('protobufjs/package.json'));
  const definition = loadSync('proto/clarifai/api/service.proto', {
    includeDirs: [packageFolder, protobufjs],
    keepCase: true,
  });
  const service = definition['clarifai.api.V2'] as Record<
    string,
    { requestSerialize(value: object): Buffer }
  >;
  return (request: object): Buffer => service['PostInputs']!.requestSerialize(request);
})();

const unlessZero = <K extends string>(key: K, value: number) => (value === 0 ? {} : { [key]: value });
const unlessEmpty = (key: string, value: string | Buffer) => (value.length === 0 ? {} : { [key]: value });

/** The message of an input, with zero and empty scalars left unset, as canonical encoding leaves them out. */
function message(input: WireInput): object {
  const raw = 'x'.repeat(input.kind === 'text' ? input.bytes : 0);
  const bytes =
    input.kind === 'text' ? unlessEmpty('raw', raw) : unlessEmpty('base64', Buffer.alloc(input.bytes));
  const media = input.url === undefined ? bytes : unlessEmpty('url', input.url);
  const { geo } = input;
  return {
    ...unlessEmpty('id', input.id),
    dataset_ids: input.datasetIds,
    data: {
      [input.kind]: media,
      ...(input.kind !== 'text' && input.text !== undefined ? { text: unlessEmpty('raw', input.text) } : {}),
      concepts: input.concepts.map(({ id, name, value }) => ({
        ...unlessEmpty('id', id),
        ...unlessEmpty('name', name),
        ...unlessZero('value', value),
      })),
      ...(Object.keys(input.metadata).length > 0 ? { metadata: struct(input.metadata) } : {}),
      ...(geo === undefined
        ? {}
        : {
            geo: {
              geo_point: {
                ...unlessZero('longitude', geo.longitude),
                ...unlessZero('latitude', geo.latitude),
              },
            },
          }),
    },
  };
}

function struct(fields: object): object {
  return {
    fields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, protoValue(value)])),
  };
}

/** Camel case whatever `keepCase` says: protobufjs has its own definition of google/protobuf/struct.proto. */
function protoValue(value: unknown): object {
  if (value === null) return { nullValue: 0 };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(protoValue) } };
  return { structValue: struct(value as object) };
}

const PLAIN: WireInput = { id: 'a', kind: 'text', bytes: 5, concepts: [], metadata: {}, datasetIds: [] };
const encodedSize = (...inputs: WireInput[]) => encodeRequest({ inputs: inputs.map(message) }).length;

// Lone surrogates have no UTF-8; encoders differ in how they replace them.
const anyText = fc.string({ unit: 'binary', maxLength: 200 });
const anyInput: fc.Arbitrary<WireInput> = fc
  .record(
    {
      id: anyText,
      kind: fc.constantFrom(...KINDS),
      bytes: fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 16_383, 16_384, 2_097_152)),
      url: anyText,
      text: anyText,
      concepts: fc.array(fc.record({ id: anyText, name: anyText, value: fc.constantFrom(0, 1, 0.25) })),
      metadata: fc.dictionary(
        anyText.filter((key) => key !== '__proto__'),
        fc.jsonValue(),
      ),
      geo: fc.record({
        latitude: fc.constantFrom(0, -90, 12.5),
        longitude: fc.constantFrom(0, 180, -7.25),
      }),
      datasetIds: fc.array(anyText, { maxLength: 3 }),
    },
    { requiredKeys: ['id', 'kind', 'bytes', 'concepts', 'metadata', 'datasetIds'] },
  )
  .map((input) => input as WireInput);

describe('serializedInputSize', () => {
  it('is the size that the platform’s own encoding takes, for any input', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        expect(serializedInputSize(input)).toBe(encodedSize(input));
      }),
      { numRuns: 500 },
    );
  });

  it('adds up over the inputs of a request', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 5 }), (inputs) => {
        const sum = inputs.reduce((size, input) => size + serializedInputSize(input), requestOverhead());
        expect(sum).toBe(encodedSize(...inputs));
      }),
      { numRuns: 100 },
    );
  });

  it('leaves out metadata that is undefined, as JSON does', () => {
    const metadata = { a: 1, b: undefined, c: { d: undefined } };
    expect(serializedInputSize({ ...PLAIN, metadata })).toBe(
      serializedInputSize({ ...PLAIN, metadata: { a: 1, c: {} } }),
    );
  });

  it('counts the URL and not the bytes behind it', () => {
    const input: WireInput = {
      ...PLAIN,
      kind: 'video',
      bytes: 300_000_000,
      url: 'https://example.org/a.mp4',
    };
    expect(serializedInputSize(input)).toBe(encodedSize({ ...input, bytes: 0 }));
  });

  it('counts media of any size', () => {
    const sizeOf = (bytes: number) => serializedInputSize({ ...PLAIN, kind: 'video', bytes }) - bytes;
    expect(sizeOf(127_999_000)).toBeGreaterThan(10);
    expect(sizeOf(300_000_000)).toBe(sizeOf(127_999_000) + 4);
  });
});

describe('requestOverhead', () => {
  it('is the size of a request without inputs', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (userId, appId, inputsAddJobId) => {
        const ids = { ...unlessEmpty('user_id', userId), ...unlessEmpty('app_id', appId) };
        const request = {
          ...(Object.keys(ids).length > 0 ? { user_app_id: ids } : {}),
          ...unlessEmpty('inputs_add_job_id', inputsAddJobId),
        };
        expect(requestOverhead({ userId, appId, inputsAddJobId })).toBe(encodeRequest(request).length);
      }),
    );
    expect(requestOverhead()).toBe(0);
  });
});
