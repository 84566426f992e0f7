import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { type FetchUrl, urlFetcher } from '../io/fetch.ts';
import { KeyCounter } from '../io/key-counter.ts';
import type { Context, Listed, SourceItem } from '../model/contracts.ts';
import { deriveId } from '../model/ids.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { issuesOf, itemShape, labelsOf } from './item-shape.ts';
import { localFiles } from './local-files.ts';
import { urlContent } from './urls.ts';

export type Items = AsyncIterable<unknown> | Iterable<unknown>;

type Content = Readable | AsyncIterable<Uint8Array> | Uint8Array;

const item = z.strictObject({
  ...itemShape,
  file: z.string().min(1).optional(),
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).optional(),
  open: z
    .custom<(signal: AbortSignal) => Content | Promise<Content>>(isFunction, 'expected a function')
    .optional(),
  size: z.int().min(0).optional(),
  fingerprint: z.string().min(1).optional(),
  fileName: z.string().min(1).optional(),
});
type ModuleItem = z.output<typeof item>;

/** What a module yields: exactly one of `text` (unless it goes with an image), `file`, `url` and `open` gives the bytes. */
export type ModuleSourceItem = z.input<typeof item>;

interface ItemOptions {
  idPrefix: string;
  allowPrivateAddresses: boolean;
}

/** The entries of a listing for what a module yields; what is no item is an outcome that says why. */
export async function* listItems(
  items: Items,
  module: string,
  options: ItemOptions,
  ctx: Context,
): AsyncGenerator<Listed> {
  const resolveFile = localFiles(dirname(module), true);
  const fetchUrl = urlFetcher({ allowPrivateAddresses: options.allowPrivateAddresses }, ctx.clock);
  const uris = new KeyCounter();
  let index = 0;
  for await (const yielded of items) {
    const place = `${basename(module)}#${index++}`;
    const parsed = item.safeParse(yielded);
    if (!parsed.success) {
      yield refusal(
        uriOf(yielded) ?? place,
        `item ${index} of ${basename(module)} is none: ${issuesOf(parsed.error)}`,
      );
      continue;
    }
    const occurrence = uris.next(parsed.data.uri);
    const uri = occurrence === 1 ? parsed.data.uri : `${parsed.data.uri}#${occurrence}`;
    yield await sourceItem({ ...parsed.data, uri }, resolveFile, fetchUrl, options.idPrefix);
  }
}

async function sourceItem(
  given: ModuleItem,
  resolveFile: ReturnType<typeof localFiles>,
  fetchUrl: FetchUrl,
  idPrefix: string,
): Promise<Listed> {
  const { uri, kind, text, file, url, open, size, fingerprint, fileName } = given;
  const contents = [file, url, open].filter((content) => content !== undefined).length;
  if (contents > 1) return refusal(uri, 'the item has two contents: give one of file, url and open');
  if (contents === 0 && text === undefined) {
    return refusal(uri, 'the item has no content: give one of text, file, url and open');
  }
  const listed: SourceItem = {
    id: given.id ?? deriveId(uri, uri, idPrefix),
    ...(given.id === undefined ? {} : { idGiven: true }),
    uri,
    ...(kind && { kind }),
    ...(text !== undefined && { text }),
    ...(size !== undefined && { size }),
    ...(fingerprint && { fingerprint }),
    ...(fileName && { fileName }),
    ...labelsOf(uri, given),
  };
  if (url !== undefined) {
    return { ...urlContent(url, fetchUrl), ...listed };
  }
  if (open !== undefined) return { ...listed, open: async (signal) => readable(await open(signal)) };
  if (file === undefined) return listed;
  const found = await resolveFile(file);
  if (!('code' in found)) return { ...found, ...listed };
  const { code, message, ...values } = found;
  return outcomeOf(uri, 'list', code, { inputId: listed.id, message: `${file}: ${message}`, ...values });
}

const readable = (content: Content): Readable =>
  content instanceof Readable ? content : Readable.from(content instanceof Uint8Array ? [content] : content);

const refusal = (uri: string, message: string): Outcome =>
  outcomeOf(uri, 'list', 'INPUT_INVALID_ARGUMENT', { message });

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

const uriOf = (value: unknown): string | undefined => {
  const uri = (value as { uri?: unknown } | null)?.uri;
  return typeof uri === 'string' && uri !== '' ? uri : undefined;
};
