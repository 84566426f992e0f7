import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { issuesOf, itemShape, labelsOf } from '../loaders/item-shape.ts';
import type { AnnotationEntry } from '../model/annotation.ts';
import {
  type Context,
  isOutcome,
  type Listed,
  type ListingProof,
  type Loader,
  type Logger,
  type SourceItem,
} from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import type { Kind } from '../model/kind.ts';
import type { Concept, Geo, Metadata } from '../model/labels.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import type { TransformConfig } from './config.ts';
import { itemFields, recordOf } from './failure.ts';
import { inOrder } from './in-order.ts';

/** What a transform sees of an item. It may change everything but the uri, in place or in a copy that it returns. */
export interface TransformItem {
  id: string;
  readonly uri: string;
  /** What the source claims; the content decides. */
  kind?: Kind;
  /** The text itself where the source gave it as a text; a text that comes with an image. */
  text?: string;
  concepts: Concept[];
  metadata: Metadata;
  geo?: Geo;
  split?: string;
  /** What the item itself brought; those of label sources are read later. */
  annotations: AnnotationEntry[];
}

export interface TransformContext {
  /** Leaves the item out; its outcome is `skipped`, with this reason. */
  drop(reason: string): void;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** A function of the user's for each item. Returning nothing keeps the item as it was changed in place. */
export type Transform = (
  item: TransformItem,
  ctx: TransformContext,
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that changes its item in place returns nothing
) => TransformItem | undefined | void | Promise<TransformItem | undefined | void>;

const CHANGEABLE = ['kind', 'text', 'concepts', 'metadata', 'geo', 'split', 'annotations'] as const;
/** Items that are being transformed at once. */
const AT_ONCE = 16;

const transformed = z.strictObject({ ...itemShape, id: z.string().min(1) });

/** Imports a transform. Throws FatalError PIPELINE_INVALID with the module and what was wrong with it. */
export async function loadTransform({ module, export: name }: TransformConfig): Promise<Transform> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(module).href)) as Record<string, unknown>;
  } catch (error) {
    const message = `the transform ${module} cannot be loaded: ${asError(error).message}`;
    throw new FatalError('PIPELINE_INVALID', message, { cause: error });
  }
  const transform = exported[name];
  if (typeof transform === 'function') return transform as Transform;
  const functions = Object.keys(exported).filter((key) => typeof exported[key] === 'function');
  const has = functions.length === 0 ? 'no function' : functions.join(', ');
  throw new FatalError(
    'PIPELINE_INVALID',
    `the transform ${module} exports no function named ${name}; it exports ${has}`,
  );
}

/** A listing whose items went through a transform, several at once, in their order. */
export function transformedLoader(inner: Loader, transform: Transform): Loader {
  return {
    describes: inner.describes,
    fingerprint: () => inner.fingerprint(),
    ...(inner.progress === undefined ? {} : { progress: () => inner.progress!() }),
    list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
      const apply = (listed: Listed) => (isOutcome(listed) ? listed : transformItem(listed, transform, ctx));
      return inOrder(inner.list(ctx), apply, AT_ONCE);
    },
  };
}

async function transformItem(item: SourceItem, transform: Transform, ctx: Context): Promise<Listed> {
  const { uri } = item;
  let dropped: string | undefined;
  const view = viewOf(item);
  try {
    const returned: unknown = await transform(view, {
      drop: (reason) => {
        dropped = String(reason);
      },
      signal: ctx.signal,
      logger: ctx.logger,
    });
    if (dropped !== undefined)
      return outcomeOf(uri, 'transform', 'TRANSFORM_DROPPED', { ...itemFields(item), message: dropped });
    return changed(item, returned ?? view);
  } catch (thrown) {
    if (ctx.signal.aborted) throw thrown;
    return failure(item, `it threw ${thrown instanceof Error ? thrown : JSON.stringify(thrown)}`);
  }
}

/** A copy, for sources share values between items. */
function viewOf(item: SourceItem): TransformItem {
  const view = Object.fromEntries(
    CHANGEABLE.flatMap((field) => (item[field] === undefined ? [] : [[field, structuredClone(item[field])]])),
  );
  return { id: item.id, uri: item.uri, concepts: [], metadata: {}, annotations: [], ...view };
}

/** Takes over what was returned, in place: an item may have methods that read their own fields. */
function changed(item: SourceItem, returned: unknown): Listed {
  const parsed = transformed.safeParse(returned);
  if (!parsed.success) return failure(item, `what it returned is no item: ${issuesOf(parsed.error)}`);
  const { id, uri, kind, text } = parsed.data;
  if (uri !== item.uri) return failure(item, `it changed the uri, to ${uri}`);
  const isText = item.text !== undefined && !item.open && !item.fetch && item.file === undefined;
  if (isText && text === undefined) return failure(item, 'it removed the text, which is all of the item');
  if (isText && text !== item.text) {
    // They were those of the text as it was.
    delete item.size;
    delete item.fingerprint;
  }
  if (id !== item.id) Object.assign(item, { id, idGiven: true });
  const labels = labelsOf(uri, parsed.data);
  // What was not there and still is empty says nothing.
  for (const field of ['concepts', 'metadata', 'annotations'] as const) {
    if (item[field] === undefined && Object.keys(labels[field] ?? {}).length === 0) delete labels[field];
  }
  for (const field of CHANGEABLE) delete item[field];
  return Object.assign(item, kind && { kind }, text !== undefined && { text }, labels);
}

const failure = (item: SourceItem, what: string): Outcome =>
  outcomeOf(item.uri, 'transform', 'TRANSFORM_FAILED', {
    ...itemFields(item),
    message: `the transform failed: ${what}`,
    record: recordOf(item),
  });
