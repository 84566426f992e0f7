import { dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { JsonlLister } from './jsonl-lister.ts';
import { LineFile } from './line-file.ts';
import { localFiles } from './local-files.ts';
import { manifestFields } from './manifest-options.ts';
import { allowOutside } from './reach.ts';
import { fetcherOf, urlFields } from './urls.ts';

export const maxLineBytes = z
  .number()
  .int()
  .min(1000)
  .max(500_000_000)
  .default(64_000_000)
  .describe('Longest line of a JSON Lines file, in bytes; a longer one is rejected');

const options = z.strictObject({
  allowOutside,
  ...urlFields,
  maxLineBytes,
  idPrefix: manifestFields.idPrefix,
});
export type JsonlOptions = z.infer<typeof options>;

/** JSON Lines of inputs with their annotations, as `inputs list --json` prints them. */
export const jsonl: LoaderComponent<JsonlOptions> = {
  name: 'jsonl',
  summary:
    'JSON Lines, one input a line with its labels and annotations: texts, URLs, or files beside it; ' +
    'what inputs list --json prints comes back',
  example: 'sluice ingest examples/inputs.jsonl',
  options,
  detect: ({ source, isDirectory }) =>
    !isDirectory && ['.jsonl', '.ndjson'].includes(extname(source).toLowerCase())
      ? 'a JSON Lines file by its name'
      : undefined,
  open: async (source, jsonlOptions) => new JsonlLoader(await LineFile.open(resolve(source)), jsonlOptions),
};

class JsonlLoader implements Loader {
  readonly describes: string;
  readonly #file: LineFile;
  readonly #options: JsonlOptions;

  constructor(file: LineFile, jsonlOptions: JsonlOptions) {
    this.describes = `JSON Lines ${file.uri}, one input a line`;
    this.#file = file;
    this.#options = jsonlOptions;
  }

  fingerprint(): Promise<string> {
    return this.#file.fingerprint();
  }

  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const { allowOutside, idPrefix, maxLineBytes } = this.#options;
    const { uri, path } = this.#file;
    const lister = new JsonlLister({
      uri,
      idPrefix,
      resolveFile: localFiles(dirname(path), allowOutside),
      fetchUrl: fetcherOf(this.#options, ctx.clock),
    });
    return this.#file.list((line) => lister.list(line), maxLineBytes, ctx);
  }

  progress(): { done: number; total: number } {
    return this.#file.progress();
  }
}
