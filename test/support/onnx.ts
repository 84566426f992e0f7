import { createRequire } from 'node:module';
import { InferenceSession, type Tensor } from 'onnxruntime-node';

interface MessageType {
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): Record<string, unknown>;
}

/** `ModelProto`, of the parts of onnx.proto3 that tests look at, as protobufjs reads them. */
const modelType: MessageType = (() => {
  const require = createRequire(import.meta.url);
  const ofLoader = createRequire(require.resolve('@grpc/proto-loader'));
  const protobufjs = ofLoader('protobufjs') as {
    parse(proto: string, options: object): { root: { lookupType(name: string): MessageType } };
  };
  const proto = `syntax = "proto3"; package onnx;
    message AttributeProto { string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated int64 ints = 8; int32 type = 20; }
    message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
    message NodeProto { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
      repeated AttributeProto attribute = 5; }
    message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
    message Shape { repeated Dimension dim = 1; }
    message TensorType { int32 elem_type = 1; Shape shape = 2; }
    message TypeProto { TensorType tensor_type = 1; }
    message ValueInfoProto { string name = 1; TypeProto type = 2; }
    message GraphProto { repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
      repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
    message OpsetId { string domain = 1; int64 version = 2; }
    message ModelProto { int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7; repeated OpsetId opset_import = 8; }`;
  return protobufjs.parse(proto, { keepCase: true }).root.lookupType('onnx.ModelProto');
})();

/** An ONNX file as an independent reader sees it. */
export const decodeOnnx = (bytes: Uint8Array): Record<string, unknown> =>
  modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true });

/** What a graph gives, by the names of its outputs, as plain numbers. */
export async function runOnnx(
  model: Uint8Array | string,
  feeds: Record<string, Tensor>,
): Promise<Record<string, { dims: readonly number[]; data: number[] }>> {
  const options = { intraOpNumThreads: 1 };
  const session =
    typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  try {
    const given = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(given).map(([name, { dims, data }]) => [
        name,
        { dims, data: Array.from(data as Iterable<number | bigint>, Number) },
      ]),
    );
  } finally {
    await session.release();
  }
}
