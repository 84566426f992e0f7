import { InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';

interface Property {
  type?: string;
  enum?: string[];
  default?: unknown;
  description?: string;
  additionalProperties?: { type?: string };
}

/** The command-line flags of an options schema: one flag a field, its help from `.describe()`. */
export function flagsOf(schema: z.ZodType, group: string): Option[] {
  return Object.entries(propertiesOf(schema)).map(([field, property]) => {
    const option = flagOf(kebab(field), property).helpGroup(group);
    option.attributeName = () => field;
    return option;
  });
}

export const fieldsOf = (schema: z.ZodType): string[] => Object.keys(propertiesOf(schema));

export const kebab = (field: string): string => field.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

function propertiesOf(schema: z.ZodType): Record<string, Property> {
  const { properties } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return (properties ?? {}) as Record<string, Property>;
}

function flagOf(name: string, property: Property): Option {
  const help = property.description ?? '';
  if (property.type === 'boolean') {
    return property.default === true ? new Option(`--no-${name}`, help) : new Option(`--${name}`, help);
  }
  if (property.enum !== undefined) {
    return shown(new Option(`--${name} <choice>`, help).choices(property.enum), property.default);
  }
  if (property.type === 'array') {
    return new Option(`--${name} <value>`, help).argParser<string[]>((value, before) => [
      ...(before ?? []),
      value,
    ]);
  }
  if (property.type === 'object') {
    return property.additionalProperties?.type === 'string'
      ? new Option(`--${name} <name=value>`, help).argParser(addPair)
      : new Option(`--${name} <json>`, help).argParser(jsonObject);
  }
  if (property.type === 'number' || property.type === 'integer') {
    return shown(new Option(`--${name} <number>`, help).argParser(finite), property.default);
  }
  return shown(new Option(`--${name} <value>`, help), property.default);
}

/** Shows a default in the help without setting it, so that what was given can be told from what was not. */
function shown(option: Option, value: unknown): Option {
  if (value !== undefined && value !== '') option.description += ` (default: ${String(value)})`;
  return option;
}

function finite(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('expected a number');
  return number;
}

export function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('expected a whole number');
  return Number(value);
}

function addPair(value: string, before: Record<string, string> = {}): Record<string, string> {
  const at = value.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('expected NAME=VALUE');
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

export function jsonObject(value: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    throw new InvalidArgumentError(`expected a JSON object: ${(error as Error).message}`);
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new InvalidArgumentError('expected a JSON object');
  }
  return parsed as Record<string, unknown>;
}
