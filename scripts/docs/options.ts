import { z } from 'zod';
import { code, table } from './markdown.ts';

/** A field of an options schema, as JSON Schema tells of it. */
export interface Property {
  type?: string;
  enum?: string[];
  anyOf?: Property[];
  const?: unknown;
  items?: Property;
  properties?: Record<string, Property>;
  additionalProperties?: Property | boolean;
  required?: string[];
  default?: unknown;
  description?: string;
  minimum?: number;
}

export function propertiesOf(schema: z.ZodType): Record<string, Property> {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return properties as Record<string, Property>;
}

/** A table of options under the names that `spell` gives them. */
export function optionsTable(
  schema: z.ZodType,
  spell: (field: string, property: Property) => string = (field) => field,
): string {
  const rows = Object.entries(propertiesOf(schema)).map(([field, property]) => [
    code(spell(field, property)),
    code(typeOf(property)),
    property.default === undefined ? '' : code(JSON.stringify(property.default)),
    property.description ?? '',
  ]);
  return rows.length === 0 ? 'None.' : table(['option', 'type', 'default', 'meaning'], rows);
}

export function typeOf(property: Property): string {
  if (property.const !== undefined) return String(property.const);
  if (property.enum !== undefined) return property.enum.join(' | ');
  if (property.anyOf !== undefined) return property.anyOf.map(typeOf).join(' | ');
  if (property.type === 'array') return `${typeOf(property.items ?? {})}, repeatable`;
  return property.type ?? 'any';
}
