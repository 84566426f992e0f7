import { createReadStream, type ReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../io/disk-errors.ts';
import { statFingerprint } from '../io/fingerprint.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { localFiles } from './local-files.ts';
import { listManifest, PREFACE_BYTES } from './manifest.ts';
import type { ManifestInput } from './manifest-input.ts';
import { manifestFields } from './manifest-options.ts';
import { planManifest } from './manifest-plan.ts';
import { allowOutside } from './reach.ts';
import { fetcherOf, urlFields } from './urls.ts';

const options = z.strictObject({
  ...manifestFields,
  allowOutside,
  ...urlFields,
});
export type CsvOptions = z.infer<typeof options>;

/** Rows of a local CSV or TSV: texts, URLs or files beside it. */
export const csv: LoaderComponent<CsvOptions> = {
  name: 'csv',
  summary:
    'Rows of a CSV or TSV: texts, URLs, or files beside it, with the columns of the SDK or of the portal template',
  example: 'sluice ingest examples/reviews.csv',
  options,
  detect: ({ source, isDirectory }) =>
    !isDirectory && /\.[ct]sv$/i.test(source)
      ? `a ${/\.tsv$/i.test(source) ? 'TSV' : 'CSV'} file`
      : undefined,
  open: async (source, csvOptions) => new CsvLoader(await openCsv(resolve(source), csvOptions), csvOptions),
};

/** A CSV as it was when it was opened. */
interface Opened {
  path: string;
  size: number;
  fingerprint: string;
  describes: string;
}

class CsvLoader implements Loader {
  readonly describes: string;
  readonly #file: Opened;
  readonly #options: CsvOptions;
  #stream: ReadStream | undefined;

  constructor(file: Opened, csvOptions: CsvOptions) {
    this.describes = file.describes;
    this.#file = file;
    this.#options = csvOptions;
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.#file.path, { bigint: true }));
  }

  async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const { path, size, fingerprint } = this.#file;
    const proof = yield* listManifest(
      {
        ...rowTargets(path, this.#options),
        size,
        open: async () => {
          this.#stream = createReadStream(path);
          return this.#stream;
        },
        fetchUrl: fetcherOf(this.#options, ctx.clock),
      },
      this.#options,
      ctx,
    );
    if (!proof.complete || (await this.fingerprint()) === fingerprint) return proof;
    return { complete: false, reason: `${basename(path)} was changed while it was read` };
  }

  progress(): { done: number; total: number } {
    return { done: this.#stream?.bytesRead ?? 0, total: this.#file.size };
  }
}

async function openCsv(path: string, csvOptions: CsvOptions): Promise<Opened> {
  try {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    const stats = await stat(path, { bigint: true });
    if (!stats.isFile()) throw new FatalError('SOURCE_UNRECOGNISED', `${path} is not a regular file`);
    const size = Number(stats.size);
    const head = await readHead(path, Math.min(size, PREFACE_BYTES));
    const { describes } = await planManifest(
      head,
      head.length === size,
      rowTargets(path, csvOptions),
      csvOptions,
    );
    return { path, size, fingerprint: statFingerprint(stats), describes };
  } catch (error) {
    if (error instanceof FatalError || errnoOf(error) === undefined) throw error;
    throw new FatalError('SOURCE_NOT_FOUND', `${path} cannot be opened: ${asError(error).message}`, {
      cause: error,
    });
  }
}

async function readHead(path: string, bytes: number): Promise<Buffer> {
  await using file = await open(path);
  const head = Buffer.alloc(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await file.read(head, filled, bytes - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return head.subarray(0, filled);
}

function rowTargets(path: string, { allowOutside }: CsvOptions): Pick<ManifestInput, 'uri' | 'resolveFile'> {
  return { uri: rawUri(toRaw(basename(path))), resolveFile: localFiles(dirname(path), allowOutside) };
}
