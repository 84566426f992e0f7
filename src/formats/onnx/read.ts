import { FatalError } from '../../model/errors.ts';
import { DIM, ENTRY, GRAPH, MODEL, OPSET, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE } from './fields.ts';
import { ELEMENT, type ElementType, type OnnxSignature, type OnnxValue } from './types.ts';
import { type Field, fieldsOf, WireError } from './wire.ts';

const KNOWN_TYPES = new Set<number>(Object.values(ELEMENT));

/**
 * What a graph takes and gives; weights are stepped over. `name`: of the file, for messages.
 *
 * Throws FatalError MODEL_INVALID where the bytes are no whole ONNX file, MODEL_UNSUPPORTED for inputs and outputs
 * that are no tensors of a type in `ELEMENT`.
 */
export function readSignature(bytes: Uint8Array, name = 'the ONNX file'): OnnxSignature {
  return reading(name, () => {
    const model = [...fieldsOf(bytes)];
    const graph = [...fieldsOf(graphOf(model))];
    // Older files list their weights among the inputs.
    const weights = new Set(graph.filter(({ number }) => number === GRAPH.tensor).map(tensorName));
    const values = (field: number) =>
      graph.filter(({ number }) => number === field).map(({ bytes }) => readValue(bytes, name));
    return {
      opset: opsetOf(model),
      inputs: values(GRAPH.input).filter((input) => !weights.has(input.name)),
      outputs: values(GRAPH.output),
    };
  });
}

/** Names, relative to the model's folder, of the files that hold weights of it. Throws as `readSignature` does. */
export function externalFiles(bytes: Uint8Array, name = 'the ONNX file'): string[] {
  return reading(name, () => {
    const locations = new Set<string>();
    for (const field of fieldsOf(graphOf([...fieldsOf(bytes)]))) {
      if (field.number !== GRAPH.tensor) continue;
      for (const { number, bytes: entry } of fieldsOf(field.bytes)) {
        if (number !== TENSOR.external) continue;
        const [key, value] = [find(entry, ENTRY.key), find(entry, ENTRY.value)].map(textOf);
        if (key === 'location' && value !== undefined) locations.add(value);
      }
    }
    return [...locations];
  });
}

/** Throws WireError where there is none, as in a file that is something else. */
export function graphOf(model: readonly Field[]): Uint8Array {
  const graph = model.find(({ number }) => number === MODEL.graph);
  if (graph === undefined) throw new WireError('it holds no graph');
  return graph.bytes;
}

/** What `read` gives; a message that cannot be read is FatalError MODEL_INVALID. */
export function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    const message = `${name} is damaged, or no ONNX file: ${cause.message}`;
    throw new FatalError('MODEL_INVALID', message, { cause });
  }
}

function opsetOf(model: readonly Field[]): number {
  for (const { number, bytes } of model) {
    if (number !== MODEL.opset) continue;
    const domain = textOf(find(bytes, OPSET.domain)) ?? '';
    if (domain === '' || domain === 'ai.onnx') return find(bytes, OPSET.version)?.value ?? 0;
  }
  throw new WireError('it names no operator set');
}

function readValue(bytes: Uint8Array, file: string): OnnxValue {
  const name = textOf(find(bytes, VALUE.name)) ?? '';
  const type = find(bytes, VALUE.type);
  const tensor = type && find(type.bytes, TYPE.tensor);
  const element = tensor && find(tensor.bytes, TENSOR_TYPE.element)?.value;
  if (tensor === undefined || element === undefined || !KNOWN_TYPES.has(element)) {
    const what = element === undefined ? 'no tensor' : `a tensor of the type ${element}`;
    throw new FatalError('MODEL_UNSUPPORTED', `${file}: the input or output ${name} is ${what}`);
  }
  const shape = find(tensor.bytes, TENSOR_TYPE.shape);
  const dims =
    shape === undefined ? [] : [...fieldsOf(shape.bytes)].filter(({ number }) => number === SHAPE.dim);
  return { name, type: element as ElementType, dims: dims.map(({ bytes: dim }) => readDim(dim)) };
}

/** A dimension that is free and has no name is ''. */
function readDim(bytes: Uint8Array): number | string {
  const value = find(bytes, DIM.value)?.value;
  return value !== undefined && Number.isSafeInteger(value) ? value : (textOf(find(bytes, DIM.name)) ?? '');
}

const tensorName = ({ bytes }: Field): string => textOf(find(bytes, TENSOR.name)) ?? '';

function find(message: Uint8Array, field: number): Field | undefined {
  for (const found of fieldsOf(message)) if (found.number === field) return found;
  return undefined;
}

const textOf = (field: Field | undefined): string | undefined =>
  field && Buffer.from(field.bytes.buffer, field.bytes.byteOffset, field.bytes.length).toString('utf8');
