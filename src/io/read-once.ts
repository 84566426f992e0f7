import { hash } from 'node:crypto';
import { isTextOnly, type SourceItem } from '../model/contracts.ts';
import {
  assertWithin,
  headOf,
  type ReadBytes,
  type ReadDecision,
  type ReadOptions,
  type ReadResult,
  type Stored,
} from './read-contract.ts';
import { readFileOnce } from './read-file.ts';
import { readStreamOnce } from './read-stream.ts';

export { HEAD_BYTES, type ReadDecision, type ReadOptions, type ReadResult } from './read-contract.ts';

/**
 * Reads an item's bytes from its source exactly once: hash, head and payload come from the same read. `unchanged`
 * where the source says that they are still those of `stored`; then nothing was read.
 *
 * Throws RejectedItemError INPUT_OVER_LIMIT (having read no further than it takes to know), INPUT_NOT_FOUND,
 * INPUT_PERMISSION_DENIED or, for what is no regular file, INPUT_READ_FAILED; RetryableError INPUT_READ_FAILED or
 * INPUT_CHANGED_WHILE_READ; FatalError STORE_FULL or STORE_WRITE_FAILED for the spool; what `decide` and the item's
 * own stream throw; the signal's reason. No spooled file is left behind then.
 */
export async function readOnce<D extends ReadDecision>(
  item: SourceItem,
  options: ReadOptions<D> & Stored,
): Promise<ReadResult<D> | 'unchanged'>;
export async function readOnce<D extends ReadDecision>(
  item: SourceItem,
  options: ReadOptions<D>,
): Promise<ReadResult<D>>;
export async function readOnce<D extends ReadDecision>(
  item: SourceItem,
  options: ReadOptions<D> & Partial<Stored>,
): Promise<ReadResult<D> | 'unchanged'> {
  options.ctx.signal.throwIfAborted();
  if (item.text !== undefined && isTextOnly(item)) return readText(item.text, item.uri, options);
  if (item.file !== undefined) return readFileOnce(item, item.file, options);
  return readStreamOnce(item, options);
}

/** The bytes of a text that is in memory; synchronous, because a million tiny texts go through it. */
export function readInline(text: string): ReadBytes & { payload: { buffer: Buffer } } {
  const buffer = Buffer.from(text);
  const sha256 = hash('sha256', buffer, 'hex');
  return { payload: { buffer }, sha256, bytes: buffer.length, head: headOf(buffer) };
}

/** A text stays in memory whatever `decide` says, for it is there already. */
async function readText<D extends ReadDecision>(
  text: string,
  uri: string,
  options: ReadOptions<D>,
): Promise<ReadResult<D>> {
  const inline = readInline(text);
  const decision = await options.decide(inline.head, inline.bytes);
  assertWithin(uri, inline.bytes, decision);
  options.onBytes?.(inline.bytes);
  return { ...inline, decision };
}
