import { existsSync } from 'node:fs';
import { readJsonlBlocks } from '../../io/jsonl.ts';
import type { AnnotationProblem } from '../../model/annotation.ts';
import type { Code } from '../../model/codes.ts';
import type { Outcome, Repair } from '../../model/outcome.ts';
import { Sample } from './sample.ts';
import { SizeHistogram } from './sizes.ts';
import { Timeline } from './timeline.ts';

/** Tiles in the gallery; each kind of item keeps as many candidates. */
const MAX_TILES = 24;
const EXAMPLES_A_CODE = 6;

/** What an example shows of its ledger line, which may hold far more. */
export type Example = Pick<Outcome, 'uri'> & {
  [K in 'inputId' | 'kind' | 'bytes' | 'message' | 'measured' | 'limit']: Outcome[K] | undefined;
};
export type ProblemExample = Pick<AnnotationProblem, 'ref' | 'message' | 'measured' | 'limit'> & {
  uri: string;
};
export type RepairExample = Example & { repair: Repair };

/** What one pass over a ledger gives, in bounded memory. */
export interface Digest {
  timeline: Timeline;
  /** Of the items that are ok. */
  sizes: SizeHistogram;
  /** Items for the gallery, mixed of all kinds, with and without annotations. */
  tiles: Example[];
  /** Of rejected, failed and skipped items, and of warnings. */
  examples: Map<Code, Example[]>;
  /** Of annotations that were rejected. */
  problems: Map<Code, ProblemExample[]>;
  repairs: { count: number; steps: Map<string, number>; examples: RepairExample[] };
}

/** A missing ledger, of a run that was pruned, is an empty one. Throws the signal's reason. */
export async function digestLedger(path: string, startedAt: string, signal: AbortSignal): Promise<Digest> {
  const timeline = new Timeline(Date.parse(startedAt));
  const sizes = new SizeHistogram();
  const candidates = new Samples<string, Example>(MAX_TILES);
  const examples = new Samples<Code, Example>(EXAMPLES_A_CODE);
  const problems = new Samples<Code, ProblemExample>(EXAMPLES_A_CODE);
  const repaired = new Sample<RepairExample>(EXAMPLES_A_CODE);
  const steps = new Map<string, number>();

  const take = (line: Outcome & { at: string }) => {
    const { uri, code, kind, bytes = 0, annotations, repair } = line;
    timeline.add(Date.parse(line.at), line.outcome, line.outcome === 'skipped' ? 0 : bytes);
    if (line.outcome === 'ok') sizes.add(bytes);
    else examples.of(code).offer(uri, () => exampleOf(line));
    for (const warning of line.warnings ?? []) examples.of(warning).offer(uri, () => exampleOf(line));
    if (line.outcome === 'ok' || code === 'INPUT_UNCHANGED') {
      const stratum = `${line.outcome} ${kind}${(annotations?.good ?? 0) > 0 ? ' annotated' : ''}`;
      candidates.of(stratum).offer(uri, () => exampleOf(line));
    }
    for (const { code, ...problem } of annotations?.problems ?? []) {
      problems.of(code).offer(`${uri}\n${problem.ref}`, () => ({ ...problem, uri }));
    }
    if (repair === undefined) return;
    repaired.offer(uri, () => ({ ...exampleOf(line), repair }));
    for (const step of repair.steps) steps.set(step, (steps.get(step) ?? 0) + 1);
  };

  if (existsSync(path)) {
    const options = { type: 'ledger', signal };
    for await (const block of readJsonlBlocks<Outcome & { at: string }>(path, options)) block.forEach(take);
  }
  return {
    timeline,
    sizes,
    tiles: mixed(candidates.all),
    examples: inOrder(examples.all),
    problems: inOrder(problems.all),
    repairs: { count: repaired.seen, steps, examples: repaired.inOrder },
  };
}

/** A sample for each key that comes up; there are few keys. */
class Samples<K, T> {
  readonly #size: number;
  readonly all = new Map<K, Sample<T>>();

  constructor(size: number) {
    this.#size = size;
  }

  of(key: K): Sample<T> {
    let sample = this.all.get(key);
    if (sample === undefined) {
      sample = new Sample(this.#size);
      this.all.set(key, sample);
    }
    return sample;
  }
}

const exampleOf = ({ uri, inputId, kind, bytes, message, measured, limit }: Outcome): Example => ({
  uri,
  inputId,
  kind,
  bytes,
  message,
  measured,
  limit,
});

const inOrder = <K, T>(samples: Map<K, Sample<T>>): Map<K, T[]> =>
  new Map([...samples].map(([key, sample]) => [key, sample.inOrder]));

/** Annotated pictures are what people look for, so they come twice in each round. */
const ROUND = [
  'image annotated',
  'image annotated',
  'image',
  'video annotated',
  'video',
  'audio annotated',
  'audio',
  'text annotated',
  'text',
];

/** One of each kind in turn, so that a few videos are not lost among many photos. */
function mixed(samples: Map<string, Sample<Example>>): Example[] {
  const ok = chosenOf(samples, 'ok');
  // A run that changed nothing still shows what the store has.
  return ok.length > 0 ? ok : chosenOf(samples, 'skipped');
}

function chosenOf(samples: Map<string, Sample<Example>>, outcome: 'ok' | 'skipped'): Example[] {
  const left = new Map(ROUND.map((stratum) => [stratum, samples.get(`${outcome} ${stratum}`)?.values ?? []]));
  const chosen: { example: Example; stratum: string }[] = [];
  for (let round = 0; round < MAX_TILES; round++) {
    for (const stratum of ROUND) {
      const example = left.get(stratum)!.shift();
      if (example !== undefined && chosen.length < MAX_TILES) chosen.push({ example, stratum });
    }
  }
  const place = (stratum: string) => ROUND.indexOf(stratum);
  return chosen.sort((a, b) => place(a.stratum) - place(b.stratum)).map(({ example }) => example);
}
