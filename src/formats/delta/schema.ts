import type { SchemaTree } from 'hyparquet';
import { z } from 'zod';
import { FatalError } from '../../model/errors.ts';
import { type Shape, structShape } from '../parquet/shape.ts';
import { decimal, safeInteger } from '../parquet/values.ts';
import type { Protocol, TableMetadata } from './actions.ts';

/** A type of the schema: the name of a primitive one, or the JSON of a nested one. */
type DeltaType =
  | string
  | { type: 'struct'; fields: DeltaField[] }
  | { type: 'array'; elementType: DeltaType }
  | { type: 'map'; keyType: DeltaType; valueType: DeltaType };

interface DeltaField {
  name: string;
  type: DeltaType;
  metadata?: Record<string, unknown> | null | undefined;
}

const deltaType: z.ZodType<DeltaType> = z.lazy(() =>
  z.union([
    z.string(),
    z.object({ type: z.literal('struct'), fields: z.array(deltaField) }),
    z.object({ type: z.literal('array'), elementType: deltaType }),
    z.object({ type: z.literal('map'), keyType: deltaType, valueType: deltaType }),
  ]),
);
const deltaField: z.ZodType<DeltaField> = z.object({
  name: z.string(),
  type: deltaType,
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
const tableSchema = z.object({ type: z.literal('struct'), fields: z.array(deltaField) });

/** What readers must know to read a table right, of what this one knows (PROTOCOL.md, "Valid Feature Names"). */
const READER_FEATURES = [
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'v2Checkpoint',
  'vacuumProtocolCheck',
];
/** From this version on, features are named one by one. */
const NAMED_FEATURES = 3;

/** Throws FatalError SOURCE_FEATURE_UNSUPPORTED naming every feature that this reader does not have. */
export function checkReadable(protocol: Protocol, metadata: TableMetadata, table: string): void {
  const { minReaderVersion, readerFeatures } = protocol;
  const unknown =
    minReaderVersion === NAMED_FEATURES
      ? (readerFeatures ?? []).filter((feature) => !READER_FEATURES.includes(feature))
      : [];
  const provider = metadata.format?.provider ?? 'parquet';
  const problem =
    minReaderVersion > NAMED_FEATURES
      ? `readers of protocol version ${minReaderVersion}`
      : unknown.length > 0
        ? `the reader ${unknown.length === 1 ? 'feature' : 'features'} ${unknown.join(', ')}`
        : provider === 'parquet'
          ? undefined
          : `data files of the format ${provider}`;
  if (problem !== undefined)
    throw new FatalError('SOURCE_FEATURE_UNSUPPORTED', `${table}: the Delta table needs ${problem}`);
}

/** A column of a table, and where it is in its data files. */
export class DeltaColumn {
  readonly name: string;
  readonly shape: Shape;
  /** Its name in partition values, and in data files unless those are searched by `fieldId`. */
  readonly physicalName: string;
  readonly #type: DeltaType;
  readonly #fieldId: number | undefined;
  readonly #isMapped: boolean;

  constructor({ name, type, metadata }: DeltaField, mapping: string) {
    this.name = name;
    this.shape = shapeOfType(type);
    this.#type = type;
    this.#isMapped = mapping !== 'none';
    this.physicalName = physicalNameOf({ name, type, metadata }, this.#isMapped);
    const id = metadata?.['delta.columnMapping.id'];
    this.#fieldId = mapping === 'id' && typeof id === 'number' ? id : undefined;
  }

  /** The column of a data file; undefined where the file is older than the column, whose cells are then null. */
  find(file: SchemaTree): SchemaTree | undefined {
    return file.children.find(({ element }) =>
      this.#fieldId === undefined ? element.name === this.physicalName : element.field_id === this.#fieldId,
    );
  }

  /** A cell of a data file, its structs by the names that they have in the table. */
  cell(value: unknown): unknown {
    return this.#isMapped ? renamed(value, this.#type) : value;
  }

  /** The cell of all rows of a data file, out of its path (PROTOCOL.md, "Partition Value Serialization"). */
  partitionCell(text: string | null | undefined): unknown {
    if (text === null || text === undefined || text === '') return null;
    const type = typeof this.#type === 'string' ? this.#type : this.#type.type;
    if (/^(?:byte|short|integer|long)$/.test(type) && /^-?\d+$/.test(text)) return safeInteger(BigInt(text));
    if (type === 'boolean') return text === 'true';
    if (type === 'float' || type === 'double') return Number(text);
    if (type.startsWith('decimal') && /^-?\d+(?:\.\d+)?$/.test(text)) {
      const [whole = '', fraction = ''] = text.split('.');
      return decimal(BigInt(whole + fraction), fraction.length);
    }
    // A time without a zone is in UTC, which is what writers agree on.
    if (type === 'timestamp') return text.replace(' ', 'T').replace(/(?<!Z)$/, 'Z');
    return type === 'timestamp_ntz' ? text.replace(' ', 'T') : text;
  }
}

/** Throws FatalError SOURCE_UNRECOGNISED for a schema that is none, SOURCE_FEATURE_UNSUPPORTED for its column mapping. */
export function readSchema(metadata: TableMetadata, table: string): DeltaColumn[] {
  const mapping = metadata.configuration?.['delta.columnMapping.mode'] ?? 'none';
  if (!['none', 'name', 'id'].includes(mapping))
    throw new FatalError('SOURCE_FEATURE_UNSUPPORTED', `${table}: the column mapping mode "${mapping}"`);
  let json: unknown;
  try {
    json = JSON.parse(metadata.schemaString);
  } catch {
    json = undefined;
  }
  const { data } = tableSchema.safeParse(json);
  if (data === undefined)
    throw new FatalError('SOURCE_UNRECOGNISED', `${table}: the schema in its log cannot be read`);
  return data.fields.map((field) => new DeltaColumn(field, mapping));
}

function shapeOfType(type: DeltaType): Shape {
  if (typeof type !== 'string') {
    if (type.type === 'array') return 'list';
    if (type.type === 'map') return 'map';
    return structShape(type.fields.map((field) => [field.name, shapeOfType(field.type)]));
  }
  if (type === 'binary' || type === 'boolean') return type;
  return /^(?:byte|short|integer|long|float|double|decimal.*)$/.test(type) ? 'number' : 'text';
}

function physicalNameOf({ name, metadata }: DeltaField, isMapped: boolean): string {
  const physical = metadata?.['delta.columnMapping.physicalName'];
  return isMapped && typeof physical === 'string' ? physical : name;
}

function renamed(value: unknown, type: DeltaType): unknown {
  if (value === null || value === undefined || typeof type === 'string') return value;
  if (type.type === 'array')
    return Array.isArray(value) ? value.map((part) => renamed(part, type.elementType)) : value;
  const parts = value as Record<string, unknown>;
  if (type.type === 'map')
    return Object.fromEntries(
      Object.entries(parts).map(([key, part]) => [key, renamed(part, type.valueType)]),
    );
  return Object.fromEntries(
    type.fields.map((field) => [field.name, renamed(parts[physicalNameOf(field, true)], field.type)]),
  );
}
