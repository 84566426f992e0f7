import { hash } from 'node:crypto';
import type { Annotation } from '../../../src/model/annotation.ts';
import type { Context, ReadyItem, SinkResult, SourceItem } from '../../../src/model/contracts.ts';
import type { Input } from '../../../src/model/input.ts';
import { openReader, openWriter, type WriterOptions } from '../../../src/stores/index.ts';
import { type InputRow, type KnownRow, Unread } from '../../../src/stores/local/rows.ts';
import { testContext } from '../../support/context.ts';

export const writerOptions = (options: Partial<WriterOptions> = {}): WriterOptions => ({
  runId: 'run-1',
  dataset: 'default',
  onExisting: 'merge',
  onDuplicate: 'reject',
  onAnnotations: 'append',
  media: 'copy',
  wait: false,
  reserveBytes: 0,
  ...options,
});

/** A row as a lookup gives it. */
export const unread = (row: InputRow): KnownRow => ({
  ...row,
  text: row.text === undefined ? undefined : new Unread(row.text.length),
  annotations: row.annotations === '[]' ? '[]' : new Unread(Buffer.byteLength(row.annotations)),
});

type ItemFields = Partial<SourceItem>;

export const textItem = (id: string, text: string, item: ItemFields = {}): ReadyItem =>
  ready(id, 'text', Buffer.from(text), item);

export const imageItem = (id: string, bytes: string | Buffer, item: ItemFields = {}): ReadyItem =>
  ready(id, 'image', Buffer.from(bytes), item);

function ready(id: string, kind: ReadyItem['kind'], buffer: Buffer, item: ItemFields = {}): ReadyItem {
  return {
    item: { id, uri: `${id}.src`, ...item },
    kind,
    sha256: hash('sha256', buffer),
    bytes: buffer.length,
    media: { format: kind === 'text' ? 'text' : 'jpeg' },
    payload: { buffer },
    ...(item.fingerprint === undefined ? {} : { fingerprint: item.fingerprint }),
    wireBytes: buffer.length,
    release() {},
  };
}

export const withAnnotations = (item: ReadyItem, ...annotations: Annotation[]): ReadyItem => ({
  ...item,
  annotations,
});

/** A box with one concept. */
export const box = (id: string, concept = 'cat', left = 0.25): Annotation => ({
  id,
  concepts: [{ id: concept, name: concept, value: 1 }],
  region: { box: { top: 0.125, left, bottom: 0.5, right: 0.75 } },
});

/** Opens a writer, writes each batch, and closes it. */
export async function ingest(
  store: string,
  batches: ReadyItem[][],
  options: Partial<WriterOptions> = {},
  ctx: Context = testContext(),
): Promise<SinkResult[]> {
  const writer = await openWriter(store, writerOptions(options), ctx);
  try {
    const writing = batches.map((batch) => writer.write(batch));
    await Promise.all([Promise.allSettled(writing), writer.flush()]);
    return (await Promise.all(writing)).flat();
  } finally {
    await writer.close();
  }
}

/** Every input of a store, in the order of the listing. */
export async function allInputs(store: string): Promise<Input[]> {
  const reader = await openReader(store);
  try {
    return await collect(reader.listInputs());
  } finally {
    reader.close();
  }
}

export const codes = (results: SinkResult[]): string[] => results.map(({ code }) => code);

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}
