import { resolve } from 'node:path';
import { type Found, type Metric, scoreOf } from '../../model/search.ts';
import { modalityOfQuery } from './embed-query.ts';
import type { CheckedRequest } from './request.ts';
import type { SearchHit, SearchResult } from './result.ts';

/** The query as the result repeats it. */
export function describeQuery({
  query,
  top,
  metric,
  objects,
  minScore,
  kinds,
  filter,
}: CheckedRequest): SearchResult['query'] {
  const said =
    'text' in query
      ? { by: 'text' as const, text: query.text }
      : 'id' in query
        ? { by: 'id' as const, id: query.id }
        : { by: modalityOfQuery(query), ...fileOf('image' in query ? query.image : query.audio) };
  return {
    ...said,
    top,
    metric,
    objects,
    ...(minScore === undefined ? {} : { minScore }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(filter === undefined ? {} : { filter }),
  };
}

const fileOf = (given: string | Buffer): { file?: string } =>
  typeof given === 'string' ? { file: resolve(given) } : {};

export function toHit(
  { annotation, distance, inputId, timeMs, kind, uri, part, concepts, datasets }: Found,
  rank: number,
  metric: Metric,
  text: string | undefined,
): SearchHit {
  return {
    rank,
    score: scoreOf(metric, distance),
    ...(metric === 'euclidean' ? { distance } : {}),
    id: inputId,
    kind,
    uri,
    part,
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(annotation === undefined
      ? {}
      : { annotation: { id: annotation.id, box: annotation.region!.box!, concepts: annotation.concepts } }),
    concepts,
    datasets,
    ...(text === undefined ? {} : { text }),
  };
}
