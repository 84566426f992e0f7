import { isDeepStrictEqual } from 'node:util';
import type { Kind } from '../../../../model/kind.ts';
import type { Concept, Geo, Metadata } from '../../../../model/labels.ts';
import type { SearchFilter } from '../../../../model/search.ts';

/** What a filter looks at. */
export interface FilterSubject {
  kind: Kind;
  datasets: readonly string[];
  split: string | undefined;
  metadata: Metadata;
  geo: Geo | undefined;
  /** Of the input, and of those annotations that count. */
  concepts: readonly Concept[];
}

/** Mean radius of the Earth in km (IUGG). */
const EARTH_KM = 6371.0088;

export function matches(filter: SearchFilter, subject: FilterSubject): boolean {
  if ('all' in filter) return filter.all.every((part) => matches(part, subject));
  if ('any' in filter) return filter.any.some((part) => matches(part, subject));
  if ('not' in filter) return !matches(filter.not, subject);
  if ('kind' in filter) return subject.kind === filter.kind;
  if ('dataset' in filter) return subject.datasets.includes(filter.dataset);
  if ('split' in filter) return subject.split === filter.split;
  if ('concept' in filter) {
    const present = filter.value !== 0;
    return subject.concepts.some(({ id, value }) => id === filter.concept && value > 0 === present);
  }
  if ('metadata' in filter) return hasValue(subject.metadata, filter.metadata, filter.equals);
  if (subject.geo === undefined) return false;
  if ('geo' in filter) return distanceKm(subject.geo, filter.geo) <= filter.geo.radiusKm;
  return inBox(subject.geo, filter.geoBox);
}

function hasValue(metadata: Metadata, path: string | readonly string[], wanted: unknown): boolean {
  let value: unknown = metadata;
  for (const key of typeof path === 'string' ? path.split('.') : path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Metadata)[key];
  }
  if (isDeepStrictEqual(value, wanted)) return true;
  return Array.isArray(value) && value.some((entry) => isDeepStrictEqual(entry, wanted));
}

/** Along the great circle, by the haversine formula. */
function distanceKm(a: Geo, b: Geo): number {
  const [from, to] = [radians(a.latitude), radians(b.latitude)];
  const [north, east] = [to - from, radians(b.longitude - a.longitude)];
  const h = Math.sin(north / 2) ** 2 + Math.cos(from) * Math.cos(to) * Math.sin(east / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

function inBox(
  { latitude, longitude }: Geo,
  { south, west, north, east }: { south: number; west: number; north: number; east: number },
): boolean {
  if (latitude < south || latitude > north) return false;
  return west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east;
}
