import { type EngineOptions, openEmbedder, type Tower } from '../../embed/index.ts';
import type { Context } from '../../model/contracts.ts';
import type { EmbedItem, Modality } from '../../model/embedding.ts';
import { FatalError, RejectedItemError, SluiceError } from '../../model/errors.ts';
import type { SearchQuery } from './request.ts';

/** One vector: starting a GPU and measuring batches would take longer than the CPU does. */
const ENGINE = { devices: ['cpu'], deviceBatch: 1 } as const satisfies Partial<EngineOptions>;

export type ItemQuery = Exclude<SearchQuery, { id: string }>;

export function modalityOfQuery(query: ItemQuery): Modality {
  if ('text' in query) return 'text';
  return 'image' in query ? 'image' : 'audio';
}

/** Throws FatalError QUERY_UNREADABLE, or as `openEmbedder` does. */
export async function embedQuery(
  query: ItemQuery,
  tower: Tower,
  cacheDir: string,
  ctx: Context,
): Promise<Float32Array> {
  const embedder = await openEmbedder(tower, { ...ENGINE, cacheDir }, ctx);
  try {
    const [result] = await embedder.embed([itemOf(query)], 'query', ctx.signal);
    if (result instanceof RejectedItemError) throw unreadable(query, result);
    if (result instanceof SluiceError) throw result;
    return result!;
  } finally {
    await embedder.close();
  }
}

function unreadable(query: ItemQuery, cause: RejectedItemError): FatalError {
  const file = 'image' in query ? query.image : 'audio' in query ? query.audio : undefined;
  const named = typeof file === 'string' ? `${file}: ` : '';
  return new FatalError('QUERY_UNREADABLE', `${named}${cause.message}`, { cause });
}

function itemOf(query: ItemQuery): EmbedItem {
  if ('text' in query) return { text: query.text };
  return 'image' in query ? { image: encoded(query.image) } : { audio: encoded(query.audio) };
}

const encoded = (given: string | Buffer) => (typeof given === 'string' ? { path: given } : given);
