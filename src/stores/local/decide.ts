import type { Code } from '../../model/codes.ts';
import type { SinkResult } from '../../model/contracts.ts';
import { MAX_ID_LENGTH, shortHash } from '../../model/ids.ts';
import type { MediaInfo } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';
import type { Concept, Metadata } from '../../model/labels.ts';
import {
  combineLabels,
  combineText,
  type IncomingLabels,
  type OnExisting,
  sameLabels,
  uniqueConcepts,
} from './merge.ts';
import { combineAnnotations, type OnAnnotations } from './merge-annotations.ts';
import { type InputRow, type KnownRow, NO_ANNOTATIONS, Unread } from './rows.ts';

export type OnDuplicate = 'reject' | 'suffix' | 'replace';

export interface Policy {
  dataset: string;
  onExisting: OnExisting;
  onDuplicate: OnDuplicate;
  onAnnotations: OnAnnotations;
}

/** An item on its way into the store: what a row says about its content, and the labels it brings. */
export interface Incoming extends IncomingLabels {
  id: string;
  kind: Kind;
  uri: string;
  sha256: string;
  bytes: number;
  fingerprint: string | undefined;
  media: MediaInfo;
  /** As a row has it: a small text itself, or the text that came with an item of another kind. */
  text: Uint8Array | undefined;
  /** As JSON; undefined when the source says nothing of annotations, which is not none. */
  annotations: string | undefined;
  source: string | undefined;
  /** False when the bytes were not read because they are known to be the stored ones. */
  hasBytes: boolean;
}

export interface Decision {
  result: SinkResult;
  /** Whether the item's own bytes must be in the store before its row is. */
  needsBytes: boolean;
}

/** Who writes, for the rows that are written. */
export interface RunStamp {
  runId: string;
  /** Milliseconds since the epoch. */
  now: number;
}

interface Held {
  row: KnownRow;
  state: 'stored' | 'new' | 'changed';
}

const LAST_NUMBERED_SUFFIX = 9;
const NO_CONCEPTS: Concept[] = [];
const NO_METADATA: Metadata = {};
/** What nearly every item is told; one object for all. */
const STORED: Decision = { needsBytes: true, result: { code: 'INPUT_SUCCESS' } };

/**
 * Decides about the items of one commit, in order, each against the store and against those before it.
 *
 * Pure: it is told the stored rows with `know`, and says with `appended` and `replaced` what the table must be told.
 * Whether items come in one commit or in many makes no difference to rows or results.
 */
export class Decider {
  readonly #policy: Policy;
  readonly #stamp: RunStamp;
  /** Of every new row; rows are never changed in place. */
  readonly #datasets: string[];
  readonly #rows = new Map<string, Held>();

  constructor(policy: Policy, stamp: RunStamp) {
    this.#policy = policy;
    this.#stamp = stamp;
    this.#datasets = [policy.dataset];
  }

  /**
   * A row of the store. Every stored row that `candidateIds` names must be known before `decide`, and of these what
   * `comparedParts` names must have been read.
   */
  know(row: KnownRow): void {
    this.#rows.set(row.id, { row, state: 'stored' });
  }

  decide(item: Incoming): Decision {
    const { id, uri, sha256 } = item;
    const held = this.#rows.get(id);
    if (held?.row.sha256 === sha256) return this.#relabel(held, item);
    if (!item.hasBytes) {
      return {
        needsBytes: false,
        result: {
          code: 'DELIVERY_FAILED',
          message: `${uri} was taken for unchanged and its bytes are no longer stored; it must be read again`,
        },
      };
    }
    if (held === undefined) return this.#append(item, id);
    switch (this.#policy.onDuplicate) {
      case 'reject':
        return {
          needsBytes: false,
          result: {
            code: 'INPUT_DUPLICATE',
            message: `${uri} has the same id as ${held.row.uri} and other bytes: ${id}`,
          },
        };
      case 'replace':
        return this.#replace(held, item);
      case 'suffix':
        return this.#suffix(item);
    }
  }

  /** Rows that are not in the store yet. */
  get appended(): InputRow[] {
    // Made of items alone, so there is nothing that could be unread.
    return this.#in('new') as InputRow[];
  }

  /** Rows that are in the store and differ from it. */
  get replaced(): KnownRow[] {
    return this.#in('changed');
  }

  #in(state: Held['state']): KnownRow[] {
    const rows: KnownRow[] = [];
    for (const held of this.#rows.values()) if (held.state === state) rows.push(held.row);
    return rows;
  }

  #append(item: Incoming, id: string): Decision {
    const { runId, now } = this.#stamp;
    const row: InputRow = {
      ...contentOf(item),
      id,
      concepts: uniqueConcepts(item.concepts ?? NO_CONCEPTS),
      metadata: item.metadata ?? NO_METADATA,
      geo: item.geo,
      datasets: this.#datasets,
      split: item.split,
      runId,
      runCode: 'INPUT_SUCCESS',
      createdAt: now,
      updatedAt: now,
      annotations: item.annotations ?? NO_ANNOTATIONS,
    };
    this.#rows.set(id, { row, state: 'new' });
    return id === item.id ? STORED : { needsBytes: true, result: { code: 'INPUT_SUCCESS', inputId: id } };
  }

  /** The same bytes again: membership and labels, and quietly where they are found now. */
  #relabel(held: Held, item: Incoming): Decision {
    const { row } = held;
    const labelled = this.#labelled(row, item);
    const moved = item.hasBytes ? relocated(labelled ?? row, item) : undefined;
    const next = moved ?? labelled;
    if (next !== undefined) this.#set(held, { ...next, text: withContent(next, item) });
    return {
      // A row that gives up its reference needs a blob in its place.
      needsBytes: row.source !== undefined && next !== undefined && next.source === undefined,
      result: {
        code: labelled === undefined ? this.#unchanged(row, item) : 'INPUT_UPDATED',
        ...(row.id === item.id ? {} : { inputId: row.id }),
      },
    };
  }

  /** A row that this run wrote for this very item, before its answer was lost, is answered as it was then. */
  #unchanged(row: KnownRow, item: Incoming): Code {
    const isRepeat = row.runId === this.#stamp.runId && row.uri === item.uri;
    return isRepeat ? row.runCode : 'INPUT_UNCHANGED';
  }

  #replace(held: Held, item: Incoming): Decision {
    const { row } = held;
    const { onExisting } = this.#policy;
    const hadText = row.kind === item.kind && item.kind !== 'text';
    this.#set(held, {
      ...this.#stamped(row),
      ...combineLabels(row, item, onExisting),
      datasets: this.#joined(row),
      ...contentOf(item),
      text: hadText ? combineText(row.text, item.text, onExisting) : item.text,
      // What was drawn on other bytes says nothing of these.
      annotations: item.annotations ?? NO_ANNOTATIONS,
    });
    return { needsBytes: true, result: { code: 'INPUT_UPDATED' } };
  }

  #suffix(item: Incoming): Decision {
    const { id, sha256 } = item;
    for (const candidate of suffixedIds(id, sha256)) {
      const held = this.#rows.get(candidate);
      if (held === undefined) return this.#append(item, candidate);
      if (held.row.sha256 === sha256) return this.#relabel(held, item);
    }
    return {
      needsBytes: false,
      result: {
        code: 'INPUT_DUPLICATE',
        message: `${item.uri}: every suffix of the id ${id} is taken`,
      },
    };
  }

  /** The row with the item's labels, annotations and dataset; undefined when it had them all. */
  #labelled(row: KnownRow, item: Incoming): KnownRow | undefined {
    const { onExisting } = this.#policy;
    const datasets = this.#joined(row);
    const labels = combineLabels(row, item, onExisting);
    const text = row.kind === 'text' ? row.text : combineText(row.text, textBeside(item), onExisting);
    const annotations = this.#annotations(row, item);
    if (
      datasets === row.datasets &&
      annotations === row.annotations &&
      sameText(row.text, text) &&
      sameLabels(row, labels)
    ) {
      return undefined;
    }
    return this.#stamped({ ...row, ...labels, text, annotations, datasets });
  }

  #joined({ datasets }: KnownRow): string[] {
    const { dataset } = this.#policy;
    return datasets.includes(dataset) ? datasets : [...datasets, dataset];
  }

  #annotations({ id, annotations: stored }: KnownRow, item: Incoming): KnownRow['annotations'] {
    const { onAnnotations } = this.#policy;
    if (item.annotations === undefined || onAnnotations === 'keep') return stored;
    if (stored instanceof Unread) throw new TypeError(`the annotations of ${id} were not read`);
    return combineAnnotations(stored, item.annotations, onAnnotations);
  }

  #stamped(row: KnownRow): KnownRow {
    const { runId, now } = this.#stamp;
    const isNew = row.runId === runId && row.runCode === 'INPUT_SUCCESS';
    return { ...row, runId, runCode: isNew ? 'INPUT_SUCCESS' : 'INPUT_UPDATED', updatedAt: now };
  }

  #set(held: Held, row: KnownRow): void {
    held.row = row;
    if (held.state === 'stored') held.state = 'changed';
  }
}

/** Ids that `decide` may look at for an item: its own, and the suffixed ones where the policy gives them. */
export function candidateIds(id: string, sha256: string, policy: Policy): string[] {
  return policy.onDuplicate === 'suffix' ? [id, ...suffixedIds(id, sha256)] : [id];
}

/** `id-1` … `id-9`, then the id with a hash of the content; the id is cut where it would grow too long. */
function suffixedIds(id: string, sha256: string): string[] {
  const suffixes = Array.from({ length: LAST_NUMBERED_SUFFIX }, (_, i) => `-${i + 1}`);
  return [...suffixes, `-${shortHash(sha256)}`].map((suffix) => {
    const room = Math.max(MAX_ID_LENGTH, id.length) - suffix.length;
    return `${id.slice(0, room).toWellFormed()}${suffix}`;
  });
}

/** The row with the item's uri, fingerprint and reference; undefined when it has them. What was copied stays copied. */
function relocated(row: KnownRow, { uri, fingerprint, source: path }: Incoming): KnownRow | undefined {
  const source = row.source === undefined ? undefined : path;
  if (row.uri === uri && row.fingerprint === fingerprint && row.source === source) return undefined;
  return { ...row, uri, fingerprint, source };
}

const contentOf = (item: Incoming) => ({
  id: item.id,
  kind: item.kind,
  uri: item.uri,
  sha256: item.sha256,
  bytes: item.bytes,
  fingerprint: item.fingerprint,
  media: item.media,
  text: item.text,
  source: item.source,
});

/** Of a text, the item's own where there is one: the same bytes, which then need not be read from the store. */
const withContent = ({ kind, text }: KnownRow, item: Incoming): KnownRow['text'] =>
  kind === 'text' && item.kind === 'text' && text instanceof Unread ? (item.text ?? text) : text;

/** The text that comes with an item of another kind. */
export const textBeside = ({ kind, text }: Incoming): Uint8Array | undefined =>
  kind === 'text' ? undefined : text;

const sameText = (a: KnownRow['text'], b: KnownRow['text']): boolean =>
  a === b || (a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0);
