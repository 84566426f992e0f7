import { z } from 'zod';
import { type AnnotationDraft, type AnnotationEntry, isProblem } from '../../model/annotation.ts';
import type { ItemLabels } from '../../model/contracts.ts';
import type { Geo, Metadata } from '../../model/labels.ts';
import { parseAnnotation } from '../annotation-json.ts';
import { clarifaiLabels } from '../clarifai-json.ts';
import { readClarifaiJson } from '../clarifai-json-parts.ts';
import type { Message } from './encode.ts';
import { takeExact } from './exact.ts';

const concept = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  value: z.number().min(0).max(1),
});
/** What is kept of an input beside the platform's fields. */
const kept = z.object({
  concepts: z.array(concept).optional(),
  geo: z.strictObject({ latitude: z.number(), longitude: z.number() }).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  annotations: z.array(z.unknown()).optional(),
  order: z.array(z.string()).optional(),
});

/**
 * The labels in the data of an input, exact where one of our exporters wrote them. What cannot be read is a problem of
 * its own. `ref` names the input in messages.
 */
export async function readLabels(data: Message, ref: string, signal: AbortSignal): Promise<ItemLabels> {
  const list = ['regions', 'frames', 'timeSegments', 'time_segments', 'concepts'].flatMap((name) =>
    Array.isArray(data[name]) ? (data[name] as unknown[]) : [],
  );
  const { metadata, geo } = data;
  if (metadata !== undefined || geo !== undefined) list.push({ metadata, geo });
  const labels = await clarifaiLabels(readClarifaiJson(list, ref), signal);
  const entries = (labels.annotations ?? []).map(exactEntry);
  const own = takeExact(labels.metadata);
  const { success, data: exact } = kept.safeParse(own.exact ?? {});
  const whole = success ? (exact.annotations ?? []) : [];
  entries.push(...whole.map((each, i) => parseAnnotation(each, `${ref}#whole/${i}`)));
  const used = success ? own.metadata : labels.metadata;
  return defined({
    concepts: exact?.concepts ?? labels.concepts,
    metadata: exact?.metadata ?? used,
    geo: exact?.geo ?? labels.geo,
    annotations: entries.length === 0 ? undefined : inOrder(entries, exact?.order),
  });
}

/** The annotation with what is kept of it in its metadata. */
function exactEntry(entry: AnnotationEntry): AnnotationEntry {
  if (isProblem(entry) || entry.metadata === undefined) return entry;
  const { metadata, exact } = takeExact(entry.metadata);
  if (exact === undefined) return entry;
  const { ref, unit: _, metadata: __, ...read } = entry;
  const region = withMask(exact['region'], read.region);
  const merged = { ...read, ...(metadata === undefined ? {} : { metadata }), ...exact, ...region };
  return parseAnnotation(merged, ref);
}

/** A mask that the fields have as an image is kept as `true`. */
function withMask(kept: unknown, read: AnnotationDraft['region']): { region?: unknown } {
  if (typeof kept !== 'object' || kept === null) return {};
  const hasMask = (kept as Message)['mask'] === true && read?.mask !== undefined;
  return { region: hasMask ? { ...kept, mask: read.mask } : kept };
}

function inOrder(entries: AnnotationEntry[], order: readonly string[] | undefined): AnnotationEntry[] {
  if (order === undefined) return entries;
  const places = new Map(order.map((id, place) => [id, place]));
  const placeOf = (entry: AnnotationEntry): number =>
    (isProblem(entry) ? undefined : places.get(entry.id ?? '')) ?? order.length;
  return entries.toSorted((a, b) => placeOf(a) - placeOf(b));
}

interface Found {
  concepts: ItemLabels['concepts'];
  metadata: Metadata | undefined;
  geo: Geo | undefined;
  annotations: AnnotationEntry[] | undefined;
}

const defined = (labels: Found): ItemLabels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined));
