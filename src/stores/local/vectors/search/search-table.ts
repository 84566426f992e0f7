import type { Found, HitParts, Metric } from '../../../../model/search.ts';
import type { VectorPart } from '../../../../model/vector-index.ts';
import { compareUtf8 } from '../../id-order.ts';
import type { Table } from '../../lance.ts';
import type { Allowed } from './allowed.ts';
import type { CurrentInputs } from './current.ts';
import { type Near, nearestRows } from './nearest.ts';

/** What is looked for in one table of vectors. */
export interface TableSearch {
  vector: Float32Array;
  metric: Metric;
  part: VectorPart;
  hits: HitParts;
  top: number;
  /** Nothing farther is a hit. */
  maxDistance: number;
  allowed: Allowed | undefined;
  /** An input that is no hit. */
  except: string | undefined;
  approximate: boolean;
  current: CurrentInputs;
  signal: AbortSignal;
}

/** Rows asked for at first beyond the hits, for those that are stale or of another part. */
const SPARE_ROWS = 32;
/** Each time the rows turn out not to be enough. */
const MORE = 8;
/** Rows whose inputs are looked up together. */
const LOOKED_UP = 64;

/**
 * The nearest hits of a table, by distance and then by id: deterministic where every vector is compared.
 *
 * A row is no hit when it is stale, not allowed, of another part, or of an input that has a nearer row. How many such
 * rows there are is not known before, so more and more are asked for until enough are left.
 */
export async function searchTable(table: Table, search: TableSearch): Promise<Found[]> {
  if (search.allowed?.size === 0) return [];
  let rows = search.top + SPARE_ROWS;
  let { approximate } = search;
  for (;;) {
    search.signal.throwIfAborted();
    const { found, complete, ended } = await attempt(table, search, rows, approximate);
    if (complete) return found;
    // The index looks through a part of the table only, so its end is not the table's.
    if (ended && approximate) approximate = false;
    else rows *= MORE;
  }
}

async function attempt(
  table: Table,
  { vector, metric, part, hits, top, maxDistance, allowed, except, current }: TableSearch,
  rows: number,
  approximate: boolean,
): Promise<{ found: Found[]; complete: boolean; ended: boolean }> {
  const found: Found[] = [];
  const seen = new Set<string>();
  const mayHit = (near: Near): boolean =>
    near.inputId !== except &&
    near.distance <= maxDistance &&
    allowed?.has(near.inputId, hits === 'regions' ? near.annotationId : undefined) !== false;
  /** Whether what comes is farther than what is wanted. */
  const isBeyond = ({ distance }: Near): boolean =>
    distance > maxDistance || (found.length >= top && distance > found.at(-1)!.distance);

  let read = 0;
  let beyond = false;
  const inputs = allowed?.inputs;
  for await (const batch of nearestRows(table, { vector, metric, part, inputs, rows, approximate })) {
    read += batch.rows;
    for (let at = 0; at < batch.near.length && !beyond; at += LOOKED_UP) {
      const candidates = batch.near.slice(at, at + LOOKED_UP);
      await current.lookUp(candidates.filter(mayHit).map(({ inputId }) => inputId));
      for (const near of candidates) {
        // Rows of one distance are all taken, so that their ids decide and not the order of the table.
        beyond = isBeyond(near);
        if (beyond) break;
        const key = keyOf(near, hits);
        const hit = mayHit(near) && !seen.has(key) ? current.found(near, part, hits) : undefined;
        if (hit === undefined) continue;
        seen.add(key);
        found.push(hit);
      }
    }
    if (beyond) break;
  }
  const ended = read < rows;
  found.sort(nearerFirst);
  const complete = beyond || (approximate ? found.length >= top : ended);
  return { found: found.slice(0, top), complete, ended };
}

const keyOf = ({ inputId, annotationId }: Near, hits: HitParts): string =>
  hits === 'inputs' ? inputId : `${inputId}\n${annotationId}`;

/** By distance, then by the ids of input and annotation. */
export const nearerFirst = (a: Found, b: Found): number =>
  a.distance - b.distance ||
  compareUtf8(a.inputId, b.inputId) ||
  compareUtf8(a.annotation?.id ?? '', b.annotation?.id ?? '');
