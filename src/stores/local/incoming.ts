import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { ReadyItem } from '../../model/contracts.ts';
import type { Metadata } from '../../model/input.ts';
import type { BlobWriter, MediaPolicy, StagedBlob } from './blobs.ts';
import type { Incoming } from './decide.ts';

/** Texts up to this size are kept in their row. */
export const INLINE_TEXT_BYTES = 64_000;

/** Where an item's bytes wait for its commit: in memory (a small text), in a staged file, or where the source has them. */
export interface Staged {
  text: Uint8Array | undefined;
  source: string | undefined;
  blob: StagedBlob | undefined;
}

const NOWHERE: Staged = { text: undefined, source: undefined, blob: undefined };

/** Small texts in memory are staged at once, without a promise, for there can be a million of them. */
export function stage(ready: ReadyItem, blobs: BlobWriter, media: MediaPolicy): Staged | Promise<Staged> {
  const { payload, kind, bytes } = ready;
  if ('unchanged' in payload) return NOWHERE;
  const small = kind === 'text' && bytes <= INLINE_TEXT_BYTES;
  if (small && 'buffer' in payload && isUtf8(payload.buffer)) return { ...NOWHERE, text: payload.buffer };
  return stageFile(ready, small && 'spool' in payload ? payload.spool : undefined, blobs, media);
}

async function stageFile(
  ready: ReadyItem,
  smallText: string | undefined,
  blobs: BlobWriter,
  media: MediaPolicy,
): Promise<Staged> {
  if (smallText !== undefined) {
    const text = await readFile(smallText);
    if (isUtf8(text)) return { ...NOWHERE, text };
  }
  const source = media === 'reference' ? referenceOf(ready) : undefined;
  if (source !== undefined) return { ...NOWHERE, source };
  const blob = await blobs.stage(ready);
  if (blob.part !== undefined) {
    // The bytes are in a file now, also for another attempt; the item must not hold them in memory until its commit.
    ready.payload = { spool: blob.part };
    ready.release();
  }
  return { ...NOWHERE, blob };
}

/** The path of the source file, where there is one that text can name. */
function referenceOf({ item }: ReadyItem): string | undefined {
  if (typeof item.file === 'string') return item.file;
  return item.file !== undefined && isUtf8(item.file) ? item.file.toString() : undefined;
}

export function incomingOf(ready: ReadyItem, { text, source }: Staged = NOWHERE): Incoming {
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
  };
}

/** Metadata as it will be read back, so that the same item compares equal next time. */
function plain(metadata: Metadata): Metadata {
  for (const _ in metadata) return JSON.parse(JSON.stringify(metadata)) as Metadata;
  return metadata;
}
