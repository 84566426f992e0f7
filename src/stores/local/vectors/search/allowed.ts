import { KeyTable } from '../../../../io/key-table.ts';
import type { Annotation } from '../../../../model/annotation.ts';
import { boxesOf } from '../../../../model/content-key.ts';
import type { Kind } from '../../../../model/kind.ts';
import type { Concept, Metadata } from '../../../../model/labels.ts';
import type { HitParts, SearchFilter } from '../../../../model/search.ts';
import { columnNames, inDataset, sqlText, type Table } from '../../lance.ts';
import { type ResultBatch, stringColumn } from '../../result.ts';
import { type FilterSubject, matches } from './matcher.ts';

/** So few inputs are named to the engine; of more, it would spend longer on the list than on their vectors. */
const NAMED_INPUTS = 1000;

/** What a filter lets through, in flat memory. */
export interface Allowed {
  size: number;
  /** Of an input, or of a region. */
  has(inputId: string, annotationId?: string): boolean;
  /** Their inputs, where there are few. */
  inputs: readonly string[] | undefined;
}

/** Finds, in the table of inputs, all that a filter lets through. */
export async function findAllowed(
  inputs: Table,
  filter: SearchFilter,
  hits: HitParts,
  signal: AbortSignal,
): Promise<Allowed> {
  const keys = new KeyTable({ values: false });
  const named: string[] = [];
  const query = inputs.query();
  const where = sqlOf(filter, hits);
  if (where !== undefined) query.where(where);
  // A table of schema 1 has no annotations.
  const known = new Set(await columnNames(inputs));
  const columns = columnsOf(filter, hits).filter((name) => known.has(name));
  for await (const batch of query.select(columns)) {
    signal.throwIfAborted();
    for (const { id, annotations, ...subject } of subjectsOf(batch as ResultBatch, hits)) {
      const passed =
        hits === 'inputs'
          ? matches(filter, subject) && keys.set(id)
          : regionsThrough(filter, subject, id, annotations, keys);
      if (passed && named.length <= NAMED_INPUTS) named.push(id);
    }
  }
  return {
    size: keys.size,
    has: (inputId, annotationId) => keys.has(keyOf(inputId, annotationId)),
    inputs: named.length > NAMED_INPUTS ? undefined : named,
  };
}

/** Whether one of the regions passes. */
function regionsThrough(
  filter: SearchFilter,
  subject: FilterSubject,
  id: string,
  annotations: readonly Annotation[],
  keys: KeyTable,
): boolean {
  let any = false;
  for (const annotation of boxesOf(annotations)) {
    if (!matches(filter, regionSubject(subject, annotation))) continue;
    keys.set(keyOf(id, annotation.id));
    any = true;
  }
  return any;
}

const regionSubject = (subject: FilterSubject, { concepts }: Annotation): FilterSubject => ({
  ...subject,
  concepts: [...subject.concepts, ...concepts],
});

/** Ids hold no control characters. */
const keyOf = (inputId: string, annotationId?: string): string =>
  annotationId === undefined ? inputId : `${inputId}\n${annotationId}`;

/** A condition of the engine that all matches meet; undefined where there is none. */
function sqlOf(filter: SearchFilter, hits: HitParts): string | undefined {
  const parts = ('all' in filter ? filter.all : [filter]).flatMap((part) => {
    if ('dataset' in part) return [inDataset(part.dataset)];
    return 'kind' in part ? [`kind = ${sqlText(part.kind)}`] : [];
  });
  if (hits === 'regions') parts.push("kind = 'image'");
  return parts.length === 0 ? undefined : parts.join(' AND ');
}

function columnsOf(filter: SearchFilter, hits: HitParts): string[] {
  const leaves = new Set(leavesOf(filter));
  return [
    'id',
    'kind',
    ...(leaves.has('dataset') ? ['datasets'] : []),
    ...(leaves.has('split') ? ['split'] : []),
    ...(leaves.has('metadata') ? ['metadata'] : []),
    ...(leaves.has('geo') || leaves.has('geoBox') ? ['latitude', 'longitude'] : []),
    ...(leaves.has('concept') ? ['concepts'] : []),
    ...(leaves.has('concept') || hits === 'regions' ? ['annotations'] : []),
  ];
}

function leavesOf(filter: SearchFilter): string[] {
  if ('all' in filter) return filter.all.flatMap(leavesOf);
  if ('any' in filter) return filter.any.flatMap(leavesOf);
  return 'not' in filter ? leavesOf(filter.not) : Object.keys(filter);
}

interface Subject extends FilterSubject {
  id: string;
  annotations: readonly Annotation[];
}

/** The rows of a batch, with those columns that were asked for. */
function* subjectsOf(batch: ResultBatch, hits: HitParts): Generator<Subject> {
  const ids = stringColumn(batch, 'id') as string[];
  const kinds = stringColumn(batch, 'kind') as Kind[];
  const texts = (name: string) => (batch.getChild(name) === null ? undefined : stringColumn(batch, name));
  const [splits, metadata, concepts, annotations] = ['split', 'metadata', 'concepts', 'annotations'].map(
    texts,
  );
  const [datasets, latitudes, longitudes] = ['datasets', 'latitude', 'longitude'].map((name) =>
    batch.getChild(name),
  );
  for (let i = 0; i < ids.length; i++) {
    const of = parsed<Annotation[]>(annotations?.[i], []);
    const own = parsed<Concept[]>(concepts?.[i], []);
    const latitude = (latitudes?.get(i) ?? undefined) as number | undefined;
    yield {
      id: ids[i]!,
      kind: kinds[i]!,
      datasets: datasets === null || datasets === undefined ? [] : [...(datasets.get(i) as Iterable<string>)],
      split: splits?.[i],
      metadata: parsed<Metadata>(metadata?.[i], {}),
      geo: latitude === undefined ? undefined : { latitude, longitude: longitudes!.get(i) as number },
      concepts: hits === 'regions' ? own : [...own, ...of.flatMap((annotation) => annotation.concepts)],
      annotations: of,
    };
  }
}

const parsed = <T>(json: string | undefined, empty: T): T =>
  json === undefined || json === '[]' || json === '{}' ? empty : (JSON.parse(json) as T);
