import type { SchemaElement, SchemaTree } from 'hyparquet';
import { z } from 'zod';

/**
 * What the cells of a column are. `media`: a struct of `bytes` and perhaps a `path`, as Hugging Face datasets hold
 * images and sounds; `binary` may also be a text of a writer that does not say so.
 */
export type Shape = 'text' | 'number' | 'boolean' | 'binary' | 'media' | 'struct' | 'list' | 'map';

export interface TableColumn {
  name: string;
  shape: Shape;
  /** What its integers stand for. */
  classNames?: readonly string[];
}

export function shapeOf({ element, children }: SchemaTree): Shape {
  if (element.repetition_type === 'REPEATED' || element.converted_type === 'LIST') return 'list';
  if (element.converted_type === 'MAP' || element.converted_type === 'MAP_KEY_VALUE') return 'map';
  if (children.length > 0) return structShape(children.map((child) => [child.element.name, shapeOf(child)]));
  return leafShape(element);
}

export function structShape(fields: readonly (readonly [name: string, shape: Shape])[]): Shape {
  return fields.some(([name, shape]) => name === 'bytes' && shape === 'binary') ? 'media' : 'struct';
}

function leafShape({ type, converted_type: converted, logical_type: logical }: SchemaElement): Shape {
  if (type === 'BOOLEAN') return 'boolean';
  const isTime = /^(?:DATE|TIME)/.test(converted ?? logical?.type ?? '') || type === 'INT96';
  if (isTime) return 'text';
  if (!/BYTE_ARRAY$/.test(type ?? '')) return 'number';
  if (converted === 'DECIMAL' || logical?.type === 'FLOAT16') return 'number';
  const isText =
    ['UTF8', 'ENUM', 'JSON'].includes(converted ?? '') ||
    ['STRING', 'ENUM', 'JSON', 'UUID'].includes(logical?.type ?? '');
  return isText ? 'text' : 'binary';
}

const classLabel = z.looseObject({ names: z.array(z.string()) });
const features = z.looseObject({
  info: z.looseObject({
    features: z.record(z.string(), z.unknown()),
  }),
});

/** The names of classes by column, as the `datasets` library leaves them in the footer under `huggingface`. */
export function classNames(note: string | undefined): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  if (note === undefined) return found;
  let parsed: z.infer<typeof features> | undefined;
  try {
    parsed = features.safeParse(JSON.parse(note)).data;
  } catch {
    return found;
  }
  for (const [column, feature] of Object.entries(parsed?.info.features ?? {})) {
    const inner = Array.isArray(feature)
      ? feature[0]
      : ((feature as { feature?: unknown })?.feature ?? feature);
    const names = classLabel.safeParse(inner).data?.names;
    if (names !== undefined) found.set(column, names);
  }
  return found;
}
