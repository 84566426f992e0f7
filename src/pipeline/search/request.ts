import { z } from 'zod';
import { parseSearchFilter } from '../../formats/search-filter.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import { METRICS, type Metric, type SearchFilter } from '../../model/search.ts';

/** What is looked for: one of these. */
export type SearchQuery =
  | { text: string }
  /** Path of a file, or its bytes. */
  | { image: string | Buffer }
  | { audio: string | Buffer }
  /** An input of the store: by the mean of its vectors, and it is no hit itself. */
  | { id: string };

export interface SearchRequest {
  store: string;
  query: SearchQuery;
  /** Hits; 10 unless given. */
  top?: number;
  /** Name of a model in the workflow, or as its node names it; the first that takes the query unless given. */
  model?: ModelRef['model'];
  /** Only what a filter lets through, found before anything is ranked. */
  filter?: SearchFilter;
  /** Only inputs of these kinds. */
  kinds?: Kind[];
  /** Hits with a lower score are left out. */
  minScore?: number;
  metric?: Metric;
  /** Hits are regions of images instead of inputs. */
  objects?: boolean;
}

/** More would no longer be a look at the nearest, but a listing. */
const MAX_TOP = 10_000;
const DEFAULT_TOP = 10;

const shape = z.looseObject({
  top: z.int().min(1).max(MAX_TOP).default(DEFAULT_TOP),
  model: z.string().min(1).optional(),
  kinds: z.array(z.enum(KINDS)).min(1).optional(),
  minScore: z.number().min(-1).max(1).optional(),
  metric: z.enum(METRICS).default('cosine'),
  objects: z.boolean().default(false),
});

export type CheckedRequest = SearchRequest & Required<Pick<SearchRequest, 'top' | 'metric' | 'objects'>>;

/** Throws FatalError CONFIG_INVALID naming the field. */
export function checkRequest(request: SearchRequest): CheckedRequest {
  const { success, data, error } = shape.safeParse(request);
  if (!success) {
    const { path, message } = error.issues[0]!;
    throw new FatalError('CONFIG_INVALID', `search: ${[...path.map(String), message].join(': ')}`);
  }
  const given = Object.entries(request.query).filter(([, value]) => value !== undefined);
  const [named] = given;
  if (named === undefined || given.length > 1 || !['text', 'image', 'audio', 'id'].includes(named[0])) {
    throw new FatalError('CONFIG_INVALID', 'search takes exactly one of text, image, audio and id');
  }
  if (named[1] === '') throw new FatalError('CONFIG_INVALID', `the ${named[0]} to search for is empty`);
  const { top, metric, objects } = data;
  return {
    ...request,
    // Without those that are there and undefined.
    query: Object.fromEntries(given) as SearchQuery,
    top,
    metric,
    objects,
    ...(request.filter === undefined ? {} : { filter: parseSearchFilter(request.filter) }),
  };
}
