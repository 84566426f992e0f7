import type { AnnotationProblem } from './annotation.ts';
import { type Code, codeInfo } from './codes.ts';
import type { Kind } from './kind.ts';

export const OUTCOMES = ['ok', 'rejected', 'failed', 'skipped'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

/** Where in the way of an item its outcome was decided. */
export const STAGES = [
  'list',
  'transform',
  'read',
  'repair',
  'validate',
  'annotate',
  'batch',
  'deliver',
  'index',
  'export',
] as const;
export type Stage = (typeof STAGES)[number];

/** What became of an item. With `codeNumber` and `at` added by the ledger, it is a ledger line (DESIGN.md §6a). */
export interface Outcome {
  inputId?: string;
  /** The user gave the id; such ids may come twice. */
  idGiven?: true;
  /** Relative to the source and unique within it: `a/b.jpg`, `x.zip!/a.jpg`, `x.csv#L12`. */
  uri: string;
  sha256?: string;
  fingerprint?: string;
  kind?: Kind;
  /** Size of the payload. */
  bytes?: number;
  outcome: OutcomeName;
  stage: Stage;
  code: Code;
  message?: string;
  measured?: number | string;
  limit?: number | string;
  attempt?: number;
  retryable?: boolean;
  /** Codes that did not change the outcome, such as EXIF_UNREADABLE. */
  warnings?: Code[];
  /** Of the item's annotations. */
  annotations?: AnnotationOutcomes;
  /** An image that came with a text. */
  withText?: true;
  /** What was changed so that the item fits the limits. */
  repair?: Repair;
  /** What `retry` needs to find the item again, for the failures file; never a secret. */
  record?: Record<string, unknown>;
}

/** Good annotations share the outcome of their input; each of the others has a problem that says why. */
export interface AnnotationOutcomes {
  good: number;
  /** Each one is a rejected annotation. */
  problems?: AnnotationProblem[];
}

export interface Repair {
  /** What was done, in order: `downscale`, `reencode`, `transcode`, `split`. */
  steps: string[];
  /** Of the bytes as they were in the source. */
  originalSha256: string;
  originalBytes: number;
  /** Of an item that was divided: the ids of its parts, in order. */
  parts?: string[];
}

type OutcomeRest = Omit<Outcome, 'uri' | 'outcome' | 'stage' | 'code'>;

/** An outcome whose name and `retryable` follow from its code's class. */
export function outcomeOf(uri: string, stage: Stage, code: Code, rest: OutcomeRest = {}): Outcome {
  const info = codeInfo(code);
  const outcome = info.class === 'warning' || info.class === 'fatal' ? 'failed' : info.class;
  const base: Outcome = { uri, outcome, stage, code, ...rest };
  if (outcome === 'failed' || outcome === 'rejected') base.retryable = rest.retryable ?? info.retryable;
  return base;
}

/** `listed = ok + rejected + failed + skipped`; `pending` is what was listed and has no outcome yet. */
export interface Totals {
  listed: number;
  ok: number;
  rejected: number;
  failed: number;
  skipped: number;
  pending?: number;
}
