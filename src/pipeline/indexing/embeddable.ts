import type { Annotation } from '../../model/annotation.ts';
import { boxesOf, contentKey } from '../../model/content-key.ts';
import type { ReadyItem } from '../../model/contracts.ts';
import type { Encoded } from '../../model/embedding.ts';
import type { Input } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';

/** An input as embedding needs it. */
export interface Embeddable {
  inputId: string;
  kind: Kind;
  /** `contentKey`. */
  content: string;
  /** Of a text; in memory. */
  text?: string;
  /** Of the others, or of a text that is not in memory; undefined when nobody has the bytes at hand. */
  bytes?: Encoded;
  /** Box annotations, where the workflow embeds regions. */
  boxes: readonly Annotation[];
}

const NO_BOXES: readonly Annotation[] = [];

/** An item on its way into the store. Its id may yet get a suffix. */
export function embeddableOfItem(
  { item, kind, sha256, payload, annotations = [] }: ReadyItem,
  regions: boolean,
): Embeddable {
  return {
    inputId: item.id,
    kind,
    content: contentKey({ kind, sha256, annotations }, regions),
    ...bytesOf(kind, payload),
    boxes: regions && kind === 'image' ? boxesOf(annotations) : NO_BOXES,
  };
}

function bytesOf(kind: Kind, payload: ReadyItem['payload']): Pick<Embeddable, 'text' | 'bytes'> {
  if ('spool' in payload) return { bytes: { path: payload.spool } };
  if ('unchanged' in payload) return {};
  // A video is read by a program, from a file.
  if (kind === 'video') return {};
  return kind === 'text' ? { text: payload.buffer.toString('utf8') } : { bytes: payload.buffer };
}

/** Where the bytes of an input are. */
export type Located = { text: string } | { path: string };

/** An input of the store, without its bytes unless they were located. */
export function embeddableOfInput(
  { id, kind, sha256, annotations }: Input,
  regions: boolean,
  located?: Located,
): Embeddable {
  return {
    inputId: id,
    kind,
    content: contentKey({ kind, sha256, annotations }, regions),
    ...(located === undefined ? {} : 'text' in located ? located : { bytes: located }),
    boxes: regions && kind === 'image' ? boxesOf(annotations) : NO_BOXES,
  };
}
