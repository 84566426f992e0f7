import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { ReadyItem } from '../../model/contracts.ts';
import type { Metadata } from '../../model/labels.ts';
import type { BlobWriter, MediaPolicy, StagedBlob } from './blobs.ts';
import type { Incoming } from './decide.ts';
import { annotationsJson } from './merge-annotations.ts';
import { INLINE_TEXT_BYTES } from './rows.ts';

/** Where an item's bytes wait for its commit: in memory (a small text), in a staged file, or where the source has them. */
export interface Staged {
  /** UTF-8 of a small text, or of the text that came with an item of another kind. */
  text: Uint8Array | undefined;
  /** As JSON. */
  annotations: string | undefined;
  source: string | undefined;
  blob: StagedBlob | undefined;
}

const NOWHERE: Staged = { text: undefined, annotations: undefined, source: undefined, blob: undefined };

/** Small texts in memory are staged at once, without a promise, for there can be a million of them. */
export function stage(ready: ReadyItem, blobs: BlobWriter, media: MediaPolicy): Staged | Promise<Staged> {
  const { payload, kind, bytes } = ready;
  const labels = stagedLabels(ready);
  if ('unchanged' in payload) return labels;
  const small = kind === 'text' && bytes <= INLINE_TEXT_BYTES;
  if (small && 'buffer' in payload && isUtf8(payload.buffer)) return { ...labels, text: payload.buffer };
  return stageFile(ready, labels, small && 'spool' in payload ? payload.spool : undefined, blobs, media);
}

/** What of an item is in memory anyway: its annotations, and the text beside what is no text. */
export function stagedLabels({ item, kind, annotations }: ReadyItem): Staged {
  const text = kind === 'text' || !item.text ? undefined : Buffer.from(item.text);
  if (text === undefined && annotations === undefined) return NOWHERE;
  return { ...NOWHERE, text, annotations: annotationsJson(annotations) };
}

async function stageFile(
  ready: ReadyItem,
  labels: Staged,
  smallText: string | undefined,
  blobs: BlobWriter,
  media: MediaPolicy,
): Promise<Staged> {
  if (smallText !== undefined) {
    const text = await readFile(smallText);
    if (isUtf8(text)) return { ...labels, text };
  }
  const source = media === 'reference' ? referenceOf(ready) : undefined;
  if (source !== undefined) return { ...labels, source };
  const blob = await blobs.stage(ready);
  if (blob.part !== undefined) {
    // The bytes are in a file now, also for another attempt; the item must not hold them in memory until its commit.
    ready.payload = { spool: blob.part };
    ready.release();
  }
  return { ...labels, blob };
}

/** The path of the source file, where there is one that text can name. */
function referenceOf({ item }: ReadyItem): string | undefined {
  if (typeof item.file === 'string') return item.file;
  return item.file !== undefined && isUtf8(item.file) ? item.file.toString() : undefined;
}

export function incomingOf(ready: ReadyItem, { text, annotations, source }: Staged): Incoming {
  const { item } = ready;
  return {
    // Ids that differ in lone surrogates only would be one id in UTF-8.
    id: item.id.toWellFormed(),
    kind: ready.kind,
    uri: item.uri,
    sha256: ready.sha256,
    bytes: ready.bytes,
    fingerprint: ready.fingerprint,
    media: ready.media,
    text,
    source,
    hasBytes: !('unchanged' in ready.payload),
    concepts: item.concepts,
    metadata: item.metadata === undefined ? undefined : plain(item.metadata),
    geo: item.geo,
    split: item.split,
    annotations,
  };
}

/** Metadata as it will be read back, so that the same item compares equal next time. */
function plain(metadata: Metadata): Metadata {
  for (const _ in metadata) return JSON.parse(JSON.stringify(metadata)) as Metadata;
  return metadata;
}
