import { joinRaw, nativePath, type RawPath, rawUri } from '../io/raw-path.ts';
import { readFailure } from '../io/read-contract.ts';
import { readHead } from '../io/small-file.ts';
import type { WalkEntry } from '../io/walk.ts';
import type { SluiceError } from '../model/errors.ts';
import { MAX_SIDECAR_BYTES, parseSidecar, type SidecarValues, sidecarsOf } from './sidecar.ts';

/** Entries whose sidecars are looked for together. */
const LOOK_AT_ONCE = 64;

export type FoundFile = Extract<WalkEntry<never>, { type: 'file' }>;

/** A sidecar that was found: what it says, or why it cannot be used. */
export type Sidecar = { path: RawPath } & ({ values: SidecarValues } | { error: SluiceError });

/**
 * Attaches sidecars to the files that they describe and takes them out of the listing; a JSON file that describes
 * nothing stays in it.
 *
 * Files that share a stem follow each other in the walk's order, so a JSON file that might describe a later one
 * (`a.json` and `a.wav`) waits, and comes late, only until the walk has left its stem.
 */
export async function* pairSidecars<Reason>(
  root: RawPath,
  entries: AsyncIterable<WalkEntry<Reason>>,
  mayHave: (file: FoundFile) => boolean,
): AsyncGenerator<{ entry: WalkEntry<Reason>; sidecar?: Sidecar }, void, void> {
  const pairing = new Pairing();
  const lookUp = async (entry: WalkEntry<Reason>) => ({
    entry,
    sidecar: entry.type === 'file' && mayHave(entry) ? await findSidecar(root, entry) : undefined,
  });
  for await (const { entry, sidecar } of inGroups(entries, lookUp)) {
    for (const json of pairing.released(entry.path)) yield { entry: json };
    if (sidecar !== undefined) pairing.take(sidecar.path);
    if (entry.type === 'file' && entry.path.endsWith('.json')) pairing.add(entry);
    else yield sidecar === undefined ? { entry } : { entry, sidecar };
  }
  for (const json of pairing.released(undefined)) yield { entry: json };
}

/** The JSON files that were taken before they came, and those that came and may still be taken. */
class Pairing {
  readonly #taken = new Set<RawPath>();
  #waiting: FoundFile[] = [];

  take(path: RawPath): void {
    const others = this.#waiting.filter((json) => json.path !== path);
    if (others.length === this.#waiting.length) this.#taken.add(path);
    this.#waiting = others;
  }

  add(json: FoundFile): void {
    if (!this.#taken.delete(json.path)) this.#waiting.push(json);
  }

  /** Those that nothing can take any more, now that the walk is at `path` (undefined: at its end). */
  released(path: RawPath | undefined): FoundFile[] {
    if (this.#waiting.length === 0) return [];
    const isOver = (json: FoundFile) =>
      path === undefined || !path.startsWith(json.path.slice(0, -'json'.length));
    const over = this.#waiting.filter(isOver);
    this.#waiting = this.#waiting.filter((json) => !isOver(json));
    return over;
  }
}

/** Looks beside the file as it was listed; for a link that was followed, not beside what it led to. */
async function findSidecar(root: RawPath, file: FoundFile): Promise<Sidecar | undefined> {
  for (const path of sidecarsOf(file.path)) {
    try {
      const bytes = await readHead(nativePath(joinRaw(root, path)), MAX_SIDECAR_BYTES + 1);
      if (bytes !== undefined) return { path, values: parseSidecar(bytes, path) };
    } catch (error) {
      return { path, error: readFailure(error, `the sidecar ${rawUri(path)}`) };
    }
  }
  return undefined;
}

/** Maps a few at a time together, in order. */
async function* inGroups<In, Out>(
  source: AsyncIterable<In>,
  map: (value: In) => Promise<Out>,
): AsyncGenerator<Out, void, void> {
  let group: Promise<Out>[] = [];
  for await (const value of source) {
    if (group.push(map(value)) < LOOK_AT_ONCE) continue;
    yield* await Promise.all(group);
    group = [];
  }
  yield* await Promise.all(group);
}
