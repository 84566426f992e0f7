import { type Code, codeInfo } from '../../model/codes.ts';
import type { DeviceReport } from '../../model/embedding.ts';
import type { Kind } from '../../model/kind.ts';
import type { IndexedModel } from '../../model/workflow.ts';
import type { Indexed } from './indexer.ts';
import type { OpenModels } from './open-models.ts';

/** `listed = ok + failed + skipped + pending`: the inputs that a run wrote, and what became of them in the index. */
export interface IndexTotals {
  listed: number;
  ok: number;
  failed: number;
  skipped: number;
  /** Left to a re-index. */
  pending?: number;
}

/** An input that has no vectors. */
export interface IndexFailure {
  inputId: string;
  code: Code;
  message: string;
}

/** Of each code, in a report; a re-index lists all. */
const NAMED_FAILURES = 3;

/** What a run did to the index, in its report. */
export interface IndexReport {
  workflow: string;
  /** Of the base workflow; its vectors are what was written. */
  generation: string;
  models: {
    kind: Kind;
    name: string;
    model: string;
    fingerprint: string;
    dimensions: number;
    device: DeviceReport;
  }[];
  totals: IndexTotals;
  byCode: Partial<Record<Code, number>>;
  /** Vectors that were written. */
  vectors: number;
  /** The first of each code, of a run that stores inputs. */
  failures?: IndexFailure[];
  /** Of a dry run. */
  plan?: IndexPlan[];
}

/** What a re-index would embed under a model. */
export interface IndexPlan {
  kind: Kind;
  name: string;
  model: string;
  inputs: number;
  bytes: number;
  /** By a short measurement. */
  estimatedMs: number;
}

/** The two sides of the identity; `listed` is counted elsewhere than the outcomes. */
export class IndexAccounts {
  listed = 0;
  vectors = 0;
  readonly #outcomes = { ok: 0, failed: 0, skipped: 0, pending: 0 };
  readonly #byCode: Partial<Record<Code, number>> = {};
  readonly #failures: IndexFailure[] = [];

  count({ code, vectors }: Indexed, inputs = 1): void {
    this.vectors += vectors;
    this.#byCode[code] = (this.#byCode[code] ?? 0) + inputs;
    this.#outcomes[fateOf(code)] += inputs;
  }

  /** Counts an input that is known by its id, so that the report can name it where it has no vectors. */
  countOf(inputId: string, result: Indexed): void {
    this.count(result);
    const { code, message = '' } = result;
    if (fateOf(code) !== 'failed') return;
    const named = this.#failures.filter((failure) => failure.code === code).length;
    if (named < NAMED_FAILURES) this.#failures.push({ inputId, code, message });
  }

  get failures(): IndexFailure[] {
    return [...this.#failures];
  }

  get balanced(): boolean {
    return this.listed === this.#accounted;
  }

  /** Of a run that did not finish, only what has an outcome is listed. */
  totals(finished: boolean): IndexTotals {
    const { pending, ...outcomes } = this.#outcomes;
    const listed = finished ? this.listed : this.#accounted;
    return { listed, ...outcomes, ...(pending > 0 ? { pending } : {}) };
  }

  get byCode(): Partial<Record<Code, number>> {
    return { ...this.#byCode };
  }

  get #accounted(): number {
    const { ok, failed, skipped, pending } = this.#outcomes;
    return ok + failed + skipped + pending;
  }
}

function fateOf(code: Code): 'ok' | 'failed' | 'skipped' | 'pending' {
  if (code === 'INPUT_REINDEX_PENDING') return 'pending';
  const { class: fate } = codeInfo(code);
  return fate === 'ok' || fate === 'skipped' ? fate : 'failed';
}

/** The models of a report, each with the device that it got. */
export const reportedModels = (models: OpenModels): IndexReport['models'] =>
  models.generation.models.map((model: IndexedModel) => {
    const { kind, node, fingerprint, dimensions } = model;
    const { device } = models.embedderOf(model);
    return { kind, name: node.name, model: node.model, fingerprint, dimensions, device };
  });
