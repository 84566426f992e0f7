import { z } from 'zod';
import type { ConceptDefinition } from '../model/annotation.ts';

/** The value of a pixel as a class map has it: an index, or a colour as `#rrggbb`. */
export const pixelValue = z.union(
  [z.int().min(0).max(0xffff), z.string().regex(/^#[0-9a-f]{6}$/i, 'expected a colour such as #ff0000')],
  'expected an index such as 255, or a colour such as "#ff0000"',
);
const named = z.union(
  [
    z
      .string()
      .min(1)
      .transform((name) => ({ id: name, name })),
    z
      .strictObject({ id: z.string().min(1), name: z.string().min(1).optional() })
      .transform(({ id, name }) => ({ id, name: name ?? id })),
  ],
  'expected a name or {id, name}',
);
const key = z
  .string()
  .regex(/^(?:\d{1,5}|#[0-9a-f]{6})$/i, 'expected an index such as 7, or a colour as #rrggbb');

/** Names by index, the first of which is 0, or by index or colour. */
export const classList = z.union(
  [z.array(named).min(1), z.record(key, named)],
  'expected a list of names, or names by index or #rrggbb colour',
);
export type ClassList = z.output<typeof classList>;

/** What each value of a mask means. */
export class ClassMap {
  /** In declared order, without those that are ignored. */
  readonly concepts: readonly ConceptDefinition[];
  readonly #classes = new Map<number, ConceptDefinition>();
  readonly #ignored: ReadonlySet<number>;

  /** `usual`: what is ignored where the map does not name it. */
  constructor(
    classes: ClassList,
    ignore: readonly (number | string)[] | undefined,
    usual: readonly number[],
  ) {
    const entries = Array.isArray(classes)
      ? classes.map((each, i) => [String(i), each] as const)
      : Object.entries(classes);
    for (const [value, each] of entries) this.#classes.set(numberOf(value), definitionOf(value, each));
    this.#ignored = new Set(
      ignore?.map((value) => numberOf(String(value))) ?? usual.filter((value) => !this.#classes.has(value)),
    );
    const used = [...this.#classes].filter(([value]) => !this.#ignored.has(value)).map(([, each]) => each);
    this.concepts = used.filter(({ id }, i) => used.findIndex((other) => other.id === id) === i);
  }

  isIgnored(value: number): boolean {
    return this.#ignored.has(value);
  }

  /** Undefined for a value without a class, and for one that is ignored. */
  classOf(value: number): ConceptDefinition | undefined {
    return this.#ignored.has(value) ? undefined : this.#classes.get(value);
  }
}

/** A colour by its number 0xrrggbb. */
const numberOf = (text: string): number =>
  text.startsWith('#') ? Number.parseInt(text.slice(1), 16) : Number(text);

function definitionOf(value: string, { id, name }: { id: string; name: string }): ConceptDefinition {
  if (!value.startsWith('#')) return { id, name, sourceId: Number(value) };
  const colour = numberOf(value);
  return { id, name, color: [colour >> 16, (colour >> 8) & 0xff, colour & 0xff] };
}

/** A value as people write it. */
export const shownValue = (value: number, isColour: boolean): string =>
  isColour ? `#${value.toString(16).padStart(6, '0')}` : String(value);
