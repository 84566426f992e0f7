import { resolve } from 'node:path';
import { z } from 'zod';
import type { FetchUrl } from '../io/fetch.ts';
import type { Line } from '../io/lines.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { outcomeOf } from '../model/outcome.ts';
import { LineFile } from './line-file.ts';
import { manifestFields } from './manifest-options.ts';
import { LOOKED_AT, RowIds, shortened } from './row-identity.ts';
import { fetcherOf, isHttpUrl, urlContent, urlFields } from './urls.ts';

/** Longer than what servers and browsers take. */
const MAX_URL_BYTES = 64_000;

const options = z.strictObject({ ...urlFields, idPrefix: manifestFields.idPrefix });
export type UrlListOptions = z.infer<typeof options>;

/** A text file with one URL a line. */
export const urlList: LoaderComponent<UrlListOptions> = {
  name: 'url-list',
  summary:
    'A text file with one http or https URL a line; blank lines and lines that begin with # are no items',
  example: 'sluice ingest examples/urls.txt',
  options,
  detect: ({ isDirectory, head }) =>
    !isDirectory && isUrlList(head) ? 'a list of URLs by its first lines' : undefined,
  open: async (source, urlOptions) => new UrlListLoader(await LineFile.open(resolve(source)), urlOptions),
};

class UrlListLoader implements Loader {
  readonly describes: string;
  readonly #file: LineFile;
  readonly #options: UrlListOptions;

  constructor(file: LineFile, urlOptions: UrlListOptions) {
    this.describes = `List of URLs ${file.uri}, one a line`;
    this.#file = file;
    this.#options = urlOptions;
  }

  fingerprint(): Promise<string> {
    return this.#file.fingerprint();
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const fetchUrl = fetcherOf(this.#options, ctx.clock);
    const ids = new RowIds(this.#options.idPrefix);
    return this.#file.list((line) => listUrl(line, this.#file.uri, ids, fetchUrl), MAX_URL_BYTES, ctx);
  }

  progress(): { done: number; total: number } {
    return this.#file.progress();
  }
}

function listUrl(line: Line, file: string, ids: RowIds, fetchUrl: FetchUrl): Listed | undefined {
  const text = line.bytes.toString().trim();
  if (isNoItem(text)) return undefined;
  const uri = `${file}#L${line.number}`;
  const id = ids.idOf('', text, 'url');
  const isWhole = line.length === line.bytes.length;
  if (isWhole && isHttpUrl(text)) return { ...id, uri, ...urlContent(text, fetchUrl) };
  const cell = shortened(text.slice(0, LOOKED_AT));
  const place = `${file}:${line.number}`;
  return outcomeOf(uri, 'list', 'INPUT_INVALID_URL', {
    inputId: id.id,
    ...(isWhole
      ? { message: `${place}: expected an http or https URL alone on its line (${JSON.stringify(cell)})` }
      : {
          message: `${place}: ${line.length} bytes are too long for a URL; at most ${MAX_URL_BYTES} are taken`,
          measured: line.length,
          limit: MAX_URL_BYTES,
        }),
    record: { line: line.number, cell },
  });
}

const isNoItem = (text: string): boolean => text === '' || text.startsWith('#');

/** Whether every line of the beginning of a file, but for blank ones and comments, is a URL. */
function isUrlList(head: Buffer): boolean {
  const text = head.toString().replace(/^\ufeff/, '');
  const lines = text.split('\n').map((line) => line.trim());
  const items = lines.filter((line) => !isNoItem(line));
  // The last one may be cut off by the end of the head.
  if (items.length > 1) items.pop();
  return items.length > 0 && items.every(isHttpUrl);
}
