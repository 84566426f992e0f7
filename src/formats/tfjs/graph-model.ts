import { z } from 'zod';
import { asError, FatalError } from '../../model/errors.ts';

/** Weights of a tfjs model, as numbers, in row-major order. */
export interface TfWeight {
  shape: number[];
  data: Float32Array | Int32Array;
}

const specSchema = z.object({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.enum(['float32', 'int32']),
  quantization: z
    .union([
      z.object({ dtype: z.literal('float16') }),
      z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }),
    ])
    .optional(),
});
type Spec = z.infer<typeof specSchema>;

/** Bytes are base64 in newer files, and lists of numbers in older ones. */
const bytesSchema = z
  .union([z.base64(), z.array(z.int())])
  .transform((bytes) => Buffer.from(bytes as string, 'base64').toString('latin1'));

const nodeSchema = z.object({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  /** Of protobuf's JSON, in which 64-bit integers are text. */
  attr: z
    .record(
      z.string(),
      z.object({
        s: bytesSchema.optional(),
        b: z.boolean().optional(),
        list: z
          .object({ s: z.array(bytesSchema).optional(), i: z.array(z.coerce.number()).optional() })
          .optional(),
      }),
    )
    .default({}),
});
export type TfNode = z.infer<typeof nodeSchema>;

const modelSchema = z.object({
  modelTopology: z.object({ node: z.array(nodeSchema) }),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(specSchema) })),
});

/** A graph model of TensorFlow.js. */
export interface TfGraph {
  nodes: Map<string, TfNode>;
  weights: Map<string, TfWeight>;
}

/**
 * Reads `model.json` and the files of weights that it names, through `read`. `name`: of the model, for messages.
 *
 * Throws FatalError MODEL_INVALID, or what `read` throws.
 */
export async function readGraphModel(
  json: Buffer,
  read: (file: string) => Promise<Buffer>,
  name: string,
): Promise<TfGraph> {
  const { modelTopology, weightsManifest } = parsed(json, name);
  const weights = new Map<string, TfWeight>();
  for (const group of weightsManifest) {
    const bytes = Buffer.concat(await Promise.all(group.paths.map(read)));
    const wanted = group.weights.reduce((sum, spec) => sum + bytesOf(spec), 0);
    if (bytes.length !== wanted) {
      const message = `${group.paths.join(' and ')} of ${name} has ${bytes.length} bytes where its weights are ${wanted}`;
      throw new FatalError('MODEL_INVALID', message, { measured: bytes.length, limit: wanted });
    }
    let at = 0;
    for (const spec of group.weights) {
      weights.set(spec.name, {
        shape: spec.shape,
        data: numbers(spec, bytes.subarray(at, at + bytesOf(spec))),
      });
      at += bytesOf(spec);
    }
  }
  return { nodes: new Map(modelTopology.node.map((node) => [node.name, node])), weights };
}

function parsed(json: Buffer, name: string): z.infer<typeof modelSchema> {
  try {
    return modelSchema.parse(JSON.parse(json.toString('utf8')));
  } catch (cause) {
    const [reason] =
      cause instanceof z.ZodError ? z.prettifyError(cause).split('\n') : [asError(cause).message];
    throw new FatalError('MODEL_INVALID', `${name} is no graph model of TensorFlow.js: ${reason}`, { cause });
  }
}

const countOf = ({ shape }: Spec): number => shape.reduce((product, size) => product * size, 1);

const bytesOf = (spec: Spec): number =>
  countOf(spec) * (spec.quantization === undefined ? 4 : spec.quantization.dtype === 'float16' ? 2 : 1);

function numbers(spec: Spec, bytes: Buffer): TfWeight['data'] {
  const { quantization } = spec;
  const count = countOf(spec);
  if (quantization === undefined) {
    // A copy, because a view must begin at a multiple of four.
    const copy = Uint8Array.from(bytes).buffer;
    return spec.dtype === 'int32' ? new Int32Array(copy) : new Float32Array(copy);
  }
  const data = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    data[index] =
      quantization.dtype === 'float16'
        ? halfFloat(bytes.readUInt16LE(2 * index))
        : bytes.readUInt8(index) * quantization.scale + quantization.min;
  }
  return data;
}

/** The value of an IEEE 754 half-precision number. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
