import { z } from 'zod';
import { type FetchUrl, urlFetcher } from '../io/fetch.ts';
import type { Clock, SourceItem } from '../model/contracts.ts';
import { allowPrivateAddresses } from './reach.ts';

/** What every loader that lists URLs lets the user choose about fetching them. */
export const urlFields = {
  allowPrivateAddresses,
  perHost: z.number().int().min(1).max(256).default(6).describe('Most URLs of one host fetched at once'),
  connectSeconds: z
    .number()
    .positive()
    .max(600)
    .default(10)
    .describe('Longest wait for a connection to a URL'),
  stallSeconds: z
    .number()
    .positive()
    .max(3600)
    .default(30)
    .describe('Longest wait for the answer of a URL, and for its next byte'),
  urlAttempts: z
    .number()
    .int()
    .min(1)
    .max(20)
    .default(4)
    .describe('Most attempts to fetch a URL, with growing waits between them'),
};

/** The values of `urlFields`. */
export type UrlOptions = z.infer<z.ZodObject<typeof urlFields>>;

export const fetcherOf = (options: UrlOptions, clock: Clock): FetchUrl =>
  urlFetcher(
    {
      allowPrivateAddresses: options.allowPrivateAddresses,
      perHost: options.perHost,
      connectTimeoutMs: options.connectSeconds * 1000,
      headersTimeoutMs: options.stallSeconds * 1000,
      stallTimeoutMs: options.stallSeconds * 1000,
      attempts: options.urlAttempts,
    },
    clock,
  );

/** Whether a trimmed text is a URL that can be fetched. Blanks inside would silently become part of it, or vanish. */
export const isHttpUrl = (text: string): boolean => /^https?:\/\/\S+$/i.test(text) && URL.canParse(text);

/** The bytes of an item that is given as a URL. */
export const urlContent = (
  url: string,
  fetchUrl: FetchUrl,
): Required<Pick<SourceItem, 'url' | 'fileName' | 'fetch'>> => ({
  url,
  fileName: new URL(url).pathname.split('/').at(-1)!,
  fetch: (signal, stored) => fetchUrl(url, signal, stored),
});
