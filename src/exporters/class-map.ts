import { hash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../io/atomic.ts';
import { readHead } from '../io/small-file.ts';
import type { ConceptDefinition } from '../model/annotation.ts';
import { asError, FatalError } from '../model/errors.ts';
import type { ExportSource } from '../model/export.ts';

const MAX_BYTES = 16_000_000;

/** Options of every format that gives classes numbers. */
export const classMapFields = {
  classMap: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File that locks the number of each class: read if it is there, extended at the end; <out>.class-map.json unless given',
    ),
  start: z.int().min(0).max(1).default(1).describe('Least number of a class, 0 or 1'),
  order: z
    .enum(['declared', 'alphabetical'])
    .default('declared')
    .describe('Of classes that have no number yet: as they were declared, or by name'),
  keepSource: z
    .boolean()
    .default(true)
    .describe('Keep the numbers that classes, images and annotations had where they came from'),
};
export type ClassMapOptions = z.infer<z.ZodObject<typeof classMapFields>>;

const shape = z.strictObject({
  schema: z.literal(1),
  type: z.literal('class-map'),
  classes: z.array(
    z.strictObject({
      id: z.int().min(0).describe('Number of the class'),
      concept: z.string().min(1).describe('Id of the concept'),
      name: z.string().describe('Its name in the latest export'),
    }),
  ),
});
type Entry = z.infer<typeof shape>['classes'][number];

/** A class of the dataset with the number that the format has for it. */
export interface ExportClass {
  id: number;
  concept: ConceptDefinition;
}

/** Where the class map of an export is; `path` is the target's, which bears `.part` until it is complete. */
export const classMapPath = (options: Pick<ClassMapOptions, 'classMap'>, path: string): string =>
  options.classMap ?? `${path.replace(/\.part$/, '')}.class-map.json`;

/**
 * The numbers of classes, locked over exports by a file: a number once given stays with its concept, also when classes
 * are added, declared in another order, or missing for a while; none is ever given again.
 *
 * A concept that the file does not know gets its source's number, with `keepSource`, if that is not below `start` and
 * free; then all others follow the highest number in their order.
 */
export class ClassMap {
  /** By number; of the dataset alone, though the file may know more. */
  readonly classes: readonly ExportClass[];
  readonly #path: string;
  readonly #entries: readonly Entry[];
  readonly #numbers: ReadonlyMap<string, number>;

  private constructor(path: string, entries: readonly Entry[], concepts: readonly ConceptDefinition[]) {
    this.#path = path;
    this.#entries = entries;
    this.#numbers = new Map(entries.map(({ concept, id }) => [concept, id]));
    this.classes = concepts
      .map((concept) => ({ id: this.#numbers.get(concept.id)!, concept }))
      .sort((a, b) => a.id - b.id);
  }

  /**
   * `extra`: classes beside those of the dataset. Throws FatalError CONFIG_INVALID when the file is no class map or
   * contradicts itself or the dataset.
   */
  static async open(
    path: string,
    source: Pick<ExportSource, 'concepts' | 'version'>,
    options: ClassMapOptions,
    extra: readonly ConceptDefinition[] = [],
  ): Promise<ClassMap> {
    const concepts = conceptsOf(source, options.order, extra);
    const locked = await read(path);
    refuseConflicts(path, locked, concepts, options);
    return new ClassMap(path, numbered(locked, concepts, options), concepts);
  }

  numberOf(conceptId: string): number | undefined {
    return this.#numbers.get(conceptId);
  }

  /** Changes when a number does. */
  get digest(): string {
    return hash('sha256', JSON.stringify(this.classes.map(({ id, concept }) => [id, concept])), 'hex');
  }

  /** Writes the file, with the classes that are new. Throws FatalError STORE_FULL or STORE_WRITE_FAILED. */
  async save(): Promise<void> {
    const names = new Map(this.classes.map(({ concept }) => [concept.id, concept.name]));
    const lines = this.#entries.map(({ id, concept, name }) =>
      JSON.stringify({ id, concept, name: names.get(concept) ?? name }),
    );
    const head = '{\n  "schema": 1,\n  "type": "class-map",\n  "classes": [';
    await writeFileAtomic(await resolved(this.#path), `${head}\n    ${lines.join(',\n    ')}\n  ]\n}\n`);
  }
}

/** Declared ones first, in the order that was asked for. */
function conceptsOf(
  { concepts, version }: Pick<ExportSource, 'concepts' | 'version'>,
  order: ClassMapOptions['order'],
  extra: readonly ConceptDefinition[],
): ConceptDefinition[] {
  const undeclared = Object.entries(version.concepts).map(([id, { name }]) => ({ id, name }));
  const all = new Map<string, ConceptDefinition>();
  for (const concept of [...concepts, ...undeclared.sort((a, b) => compare(a.id, b.id)), ...extra])
    if (!all.has(concept.id)) all.set(concept.id, concept);
  if (order === 'declared') return [...all.values()];
  return [...all.values()].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
}

/** By code units, so that no locale changes a number. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By number: those of the file, and the concepts that it does not have. */
function numbered(
  locked: readonly Entry[],
  concepts: readonly ConceptDefinition[],
  { start, keepSource }: ClassMapOptions,
): Entry[] {
  const entries = [...locked];
  const taken = new Set(locked.map(({ id }) => id));
  const known = new Set(locked.map(({ concept }) => concept));
  const give = (id: number, { id: concept, name }: ConceptDefinition) => {
    entries.push({ id, concept, name });
    taken.add(id);
    known.add(concept);
  };
  for (const concept of concepts) {
    const { id, sourceId } = concept;
    if (!keepSource || sourceId === undefined || known.has(id)) continue;
    if (sourceId >= start && !taken.has(sourceId)) give(sourceId, concept);
  }
  let next = start;
  for (const id of taken) next = Math.max(next, id + 1);
  for (const concept of concepts) if (!known.has(concept.id)) give(next++, concept);
  return entries.sort((a, b) => a.id - b.id);
}

function refuseConflicts(
  path: string,
  locked: readonly Entry[],
  concepts: readonly ConceptDefinition[],
  { keepSource, start }: ClassMapOptions,
): void {
  const byNumber = new Map(locked.map((entry) => [entry.id, entry]));
  const byConcept = new Map(locked.map((entry) => [entry.concept, entry]));
  const byName = new Map(locked.map((entry) => [entry.name, entry]));
  const ids = new Set(concepts.map(({ id }) => id));
  for (const { id, name, sourceId } of concepts) {
    const entry = byConcept.get(id);
    const namesake = byName.get(name);
    if (entry === undefined && namesake !== undefined && !ids.has(namesake.concept)) {
      throw conflict(
        path,
        `gives the number ${namesake.id} to the concept ${namesake.concept} named ${name}, and the dataset has the concept ${id} of that name`,
      );
    }
    if (!keepSource || entry === undefined || sourceId === undefined || sourceId < start) continue;
    if (entry.id !== sourceId && !byNumber.has(sourceId)) {
      throw conflict(
        path,
        `gives ${id} the number ${entry.id}, and the dataset has it from its source as ${sourceId}; turn keepSource off to follow the class map`,
      );
    }
  }
}

async function read(path: string): Promise<Entry[]> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readHead(await resolved(path), MAX_BYTES + 1);
  } catch (error) {
    throw conflict(path, `cannot be read: ${asError(error).message}`, error);
  }
  if (bytes === undefined) return [];
  if (bytes.length > MAX_BYTES) throw conflict(path, `has more than ${MAX_BYTES} bytes`);
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw conflict(path, `is no JSON: ${asError(error).message}`, error);
  }
  const parsed = shape.safeParse(content);
  if (!parsed.success) {
    const { path: place, message } = parsed.error.issues[0]!;
    throw conflict(path, `is none: ${[place.join('.'), message].join(': ')}`);
  }
  const numbers = new Map<number, string>();
  const concepts = new Map<string, number>();
  for (const { id, concept } of parsed.data.classes) {
    const other = numbers.get(id);
    if (other !== undefined) throw conflict(path, `gives the number ${id} to ${other} and to ${concept}`);
    const twice = concepts.get(concept);
    if (twice !== undefined) throw conflict(path, `gives ${concept} the numbers ${twice} and ${id}`);
    numbers.set(id, concept);
    concepts.set(concept, id);
  }
  return parsed.data.classes;
}

/** Where a link leads, so that it is not replaced by a file. */
const resolved = (path: string): Promise<string> => realpath(path).catch(() => path);

const conflict = (path: string, why: string, cause?: unknown): FatalError =>
  new FatalError('CONFIG_INVALID', `the class map ${path} ${why}`, { cause });
