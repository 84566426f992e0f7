import { z } from 'zod';
import { FatalError } from '../model/errors.ts';
import { KINDS } from '../model/kind.ts';
import type { SearchFilter } from '../model/search.ts';

const id = z.string().min(1);
const latitude = z.number().min(-90).max(90);
const longitude = z.number().min(-180).max(180);
/** Deeper trees are mistakes, or made to exhaust the stack. */
const MAX_DEPTH = 32;

const branches = z.lazy(() => z.array(searchFilterShape).min(1));

/** Which inputs a search looks at. */
export const searchFilterShape: z.ZodType<SearchFilter> = z
  .union([
    z.strictObject({ all: branches }).describe('All of them hold'),
    z.strictObject({ any: branches }).describe('At least one of them holds'),
    z.strictObject({ not: z.lazy(() => searchFilterShape) }),
    z.strictObject({ kind: z.enum(KINDS) }),
    z.strictObject({ dataset: id }),
    z.strictObject({ split: id }),
    z
      .strictObject({ concept: id, value: z.literal([0, 1]).optional().describe('1 present, 0 negative') })
      .describe('Of the input or one of its annotations; where regions are hits, of the input or the region'),
    z
      .strictObject({ metadata: z.union([id, z.array(id).min(1)]), equals: z.json() })
      .describe('The value at a path such as camera.iso, or one of a list there'),
    z.strictObject({ geo: z.strictObject({ latitude, longitude, radiusKm: z.number().positive() }) }),
    z
      .strictObject({
        geoBox: z
          .strictObject({ south: latitude, west: longitude, north: latitude, east: longitude })
          .refine(({ south, north }) => south <= north, 'south is greater than north'),
      })
      .describe('A box whose west is greater than its east crosses the 180th meridian'),
  ])
  .meta({ id: 'searchFilter' }) as z.ZodType<SearchFilter>;

/** Throws FatalError CONFIG_INVALID naming what is wrong. */
export function parseSearchFilter(value: unknown): SearchFilter {
  if (depthOf(value) > MAX_DEPTH * 2) throw invalid('', `it is nested more than ${MAX_DEPTH} deep`);
  const { success, data, error } = searchFilterShape.safeParse(value);
  if (success) return data;
  throw invalid(...firstProblem(value, error));
}

const invalid = (path: string, message: string): FatalError =>
  new FatalError('CONFIG_INVALID', `search filter${path}: ${message}`);

/** In the order of the union. */
const LEAVES = [
  'all',
  'any',
  'not',
  'kind',
  'dataset',
  'split',
  'concept',
  'metadata',
  'geo',
  'geoBox',
] as const;

/** A union says that no branch fits; the branch whose key is there says why. */
function firstProblem(value: unknown, error: z.ZodError, path = ''): [path: string, message: string] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const node = value as Record<string, unknown>;
    const key = LEAVES.find((leaf) => leaf in node);
    if (key === undefined) {
      return [path, `expected one of ${LEAVES.join(', ')}, not ${JSON.stringify(Object.keys(node))}`];
    }
    const inner = key === 'not' ? [node['not']] : key === 'all' || key === 'any' ? node[key] : undefined;
    for (const [i, part] of Array.isArray(inner) ? inner.entries() : []) {
      const checked = searchFilterShape.safeParse(part);
      if (!checked.success) {
        return firstProblem(part, checked.error, `${path}.${key}${key === 'not' ? '' : `[${i}]`}`);
      }
    }
    const reason = branchProblem(error, LEAVES.indexOf(key));
    return [path, `${JSON.stringify(value).slice(0, 200)} is no valid ${key} filter${reason}`];
  }
  return [path, error.issues[0]!.message];
}

/** What the branch at a place of the union says; where the others have other keys, the union says it itself. */
function branchProblem({ issues: [issue] }: z.ZodError, at: number): string {
  const found = issue?.code === 'invalid_union' ? issue.errors[at]?.[0] : issue;
  return found === undefined ? '' : `: ${[...found.path.map(String), found.message].join(': ')}`;
}

function depthOf(value: unknown): number {
  let depth = 0;
  let level = [value];
  while (level.length > 0 && depth <= MAX_DEPTH * 2) {
    depth++;
    level = level.flatMap((node) => (typeof node === 'object' && node !== null ? Object.values(node) : []));
  }
  return depth;
}
