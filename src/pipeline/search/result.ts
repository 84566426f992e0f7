import type { Box } from '../../model/annotation.ts';
import type { Kind } from '../../model/kind.ts';
import type { Concept } from '../../model/labels.ts';
import type { Metric, SearchFilter } from '../../model/search.ts';
import type { VectorPart } from '../../model/vector-index.ts';

export interface SearchHit {
  /** From 1. */
  rank: number;
  /** The cosine, or 1 / (1 + euclidean distance): the greater the nearer. */
  score: number;
  /** With the metric `euclidean`. */
  distance?: number;
  id: string;
  kind: Kind;
  uri: string;
  /** What of the input was nearest. */
  part: VectorPart;
  /** Of a frame. */
  timeMs?: number;
  /** Of a region. */
  annotation?: { id: string; box: Box; concepts: Concept[] };
  concepts: Concept[];
  datasets: string[];
  /** The beginning of a text, or of the text that came with an image. */
  text?: string;
}

/** A model whose vectors were searched. */
export interface SearchedModel {
  kind: Kind;
  /** Of the node in the workflow. */
  name: string;
  model: string;
  fingerprint: string;
}

export interface SearchResult {
  schema: 1;
  query: {
    text?: string;
    /** Path of a file; absent where bytes were given. */
    file?: string;
    id?: string;
    by: 'text' | 'image' | 'audio' | 'id';
    top: number;
    metric: Metric;
    objects: boolean;
    minScore?: number;
    kinds?: Kind[];
    filter?: SearchFilter;
  };
  workflow: string;
  /** All of one space; the first embedded the query. */
  models: SearchedModel[];
  /** Of the inputs of the searched kinds. */
  indexed: { n: number; of: number };
  /** Every vector was compared; otherwise the nearest were found by an index, which may miss some. */
  exact: boolean;
  hits: SearchHit[];
}
