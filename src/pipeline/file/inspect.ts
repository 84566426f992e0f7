import { detectSource } from '../../loaders/index.ts';
import { type AnnotationEntry, isProblem } from '../../model/annotation.ts';
import { type Context, isOutcome, type Listed, type SourceItem } from '../../model/contracts.ts';
import type { Concept, Geo, Metadata } from '../../model/labels.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { SourceConfig } from '../config.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import type { IngestRequest } from '../ingest.ts';
import { addConcepts } from '../item-labels.ts';
import { openSources, resolveSources, type SourceRequest } from '../source.ts';

export interface InspectedItem {
  uri: string;
  id?: string;
  bytes?: number;
  text?: string;
  concepts?: Concept[];
  metadata?: Metadata;
  geo?: Geo;
  split?: string;
  annotations?: { count: number; concepts: string[] };
  /** Of what is no item: its outcome. */
  outcome?: Pick<Outcome, 'outcome' | 'code' | 'message'>;
}

export interface InspectedSource {
  name?: string;
  source: string;
  type: string;
  /** Why it is taken for that. */
  reason: string;
  describes: string;
  /** Of the loader, with defaults filled in. */
  options: Record<string, unknown>;
  /** The first that a run would list. */
  items: InspectedItem[];
  /** Whether there are more. */
  more: boolean;
}

/** Looks at what a run would read: each source, what it is taken for, and its first items. Writes nothing. */
export async function inspect(
  request: IngestRequest,
  items: number,
  given?: Partial<RunEnvironment>,
): Promise<InspectedSource[]> {
  const ctx = contextOf(environment(given));
  const requests = 'sources' in request ? request.sources : [request];
  const configs = await resolveSources(requests);
  const { transform, store } = request;
  const inspected: InspectedSource[] = [];
  for (const [i, config] of configs.entries()) {
    const opened = await openSources(
      { sources: [config], ...(transform && { transform: { export: 'default', ...transform } }) },
      store,
      ctx,
    );
    try {
      const listed = await firstOf(opened.loader.list(ctx), items + 1);
      const shown = await Promise.all(listed.slice(0, items).map((entry) => shownItem(entry, ctx)));
      inspected.push({
        ...(config.name === undefined ? {} : { name: config.name }),
        source: config.source,
        type: config.sourceType,
        reason: await reasonOf(requests[i]!, config),
        describes: opened.describes.join('; '),
        options: config.loader,
        items: shown,
        more: listed.length > items,
      });
    } finally {
      await opened.close();
    }
  }
  return inspected;
}

async function reasonOf({ sourceType }: SourceRequest, { source }: SourceConfig): Promise<string> {
  return sourceType === undefined ? `it is ${(await detectSource(source)).reason}` : 'it was said to be';
}

async function firstOf(listing: AsyncIterable<Listed>, count: number): Promise<Listed[]> {
  const first: Listed[] = [];
  for await (const listed of listing) {
    first.push(listed);
    if (first.length === count) break;
  }
  return first;
}

async function shownItem(listed: Listed, ctx: Context): Promise<InspectedItem> {
  if (isOutcome(listed)) {
    const { uri, outcome, code, message } = listed;
    return { uri, outcome: { outcome, code, ...(message === undefined ? {} : { message }) } };
  }
  const { id, uri, size, text, ...labels } = await withLabels(listed, ctx);
  const { concepts, metadata, geo, split, annotations } = labels;
  const shown = {
    uri,
    id,
    bytes: size,
    text,
    concepts,
    metadata,
    geo,
    split,
    annotations: annotations && {
      count: annotations.length,
      concepts: [...new Set(annotations.flatMap(conceptIds))],
    },
  };
  return Object.fromEntries(
    Object.entries(shown).filter(([, value]) => value !== undefined),
  ) as unknown as InspectedItem;
}

const conceptIds = (entry: AnnotationEntry): string[] =>
  isProblem(entry) ? [] : entry.concepts.map(({ id }) => id);

/** As when it is read: what the item itself brings is stronger than what lies beside it. */
async function withLabels(item: SourceItem, ctx: Context): Promise<SourceItem> {
  const all = { ...item };
  for (const pending of item.pending ?? []) {
    const { concepts, metadata, annotations, ...rest } = await pending.load(ctx);
    if (concepts !== undefined) all.concepts = addConcepts(all.concepts, concepts);
    if (metadata !== undefined) all.metadata = { ...metadata, ...all.metadata };
    if (annotations !== undefined) all.annotations = [...(all.annotations ?? []), ...annotations];
    Object.assign(all, { ...rest, ...all });
  }
  return all;
}
