import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isGap, readSdkLog, type SdkLogRow } from '../formats/sdk-log.ts';
import { statFingerprint } from '../io/fingerprint.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { outcomeOf } from '../model/outcome.ts';
import { localFiles } from './local-files.ts';
import type { Refusal } from './manifest-input.ts';
import { allowOutside } from './reach.ts';

const options = z.strictObject({
  duplicates: z
    .boolean()
    .default(false)
    .describe('Also take inputs that were refused because their id was taken'),
  allowOutside,
});
export type SdkLogOptions = z.infer<typeof options>;

/** The inputs that an upload with the official Python SDK failed to bring to the platform, as its log has them. */
export const sdkLog: LoaderComponent<SdkLogOptions> = {
  name: 'sdk-log',
  summary: 'The failed inputs in a Dataset_Upload log of the official Python SDK',
  example: 'sluice retry Dataset_Upload1763725000.log',
  options,
  detect: ({ source, isDirectory }) =>
    !isDirectory && /^Dataset_Upload\d+\.log$/.test(basename(source))
      ? 'an upload log of the official Python SDK'
      : undefined,
  async open(source, logOptions) {
    const path = resolve(source);
    try {
      await stat(path);
    } catch (error) {
      throw new FatalError('SOURCE_NOT_FOUND', `${path} cannot be opened: ${asError(error).message}`, {
        cause: error,
      });
    }
    return new SdkLogLoader(path, logOptions);
  },
};

class SdkLogLoader implements Loader {
  readonly describes: string;
  readonly #path: string;
  readonly #options: SdkLogOptions;

  constructor(path: string, logOptions: SdkLogOptions) {
    this.describes = `the failed inputs in ${path}`;
    this.#path = path;
    this.#options = logOptions;
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.#path, { bigint: true }));
  }

  /** Each input once, however often the log has it. */
  async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const uri = rawUri(toRaw(basename(this.#path)));
    const resolveFile = localFiles(dirname(this.#path), this.#options.allowOutside);
    const seen = new Set<number>();
    let rows = 0;
    for await (const entry of readSdkLog(this.#path)) {
      ctx.signal.throwIfAborted();
      if (isGap(entry)) {
        yield outcomeOf(`${uri}#L${entry.line}`, 'list', 'LOG_LINE_UNMATCHED', {
          message: `${entry.missing} inputs failed ${entry.reason.split('\n')[0]}, and the log does not name them; upload the source again, what is stored will be skipped`,
          measured: entry.missing,
        });
      } else if ((this.#options.duplicates || !entry.isDuplicate) && !seen.has(entry.index)) {
        seen.add(entry.index);
        rows++;
        yield await itemOf(entry, `${uri}#L${entry.line}`, resolveFile);
      }
    }
    return { complete: true, evidence: `${rows} failed inputs in ${uri}` };
  }
}

async function itemOf(
  row: SdkLogRow,
  uri: string,
  resolveFile: ReturnType<typeof localFiles>,
): Promise<Listed> {
  const { inputId, input, concepts, metadata } = row;
  const fields = {
    id: inputId,
    idGiven: true,
    uri,
    ...(concepts.length === 0 ? {} : { concepts }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  if (input === undefined) return unmatched(row, uri, 'the log has neither a path nor a text for it');
  const file = await resolveFile(input);
  if (!isRefusal(file)) return { ...fields, ...file };
  if (/\.\w{1,5}$/.test(input) && !/\s/.test(input)) return unmatched(row, uri, `${input}: ${file.message}`);
  return { ...fields, text: input };
}

const isRefusal = (found: object): found is Refusal => 'code' in found;

const unmatched = ({ inputId, index, input }: SdkLogRow, uri: string, why: string): Listed =>
  outcomeOf(uri, 'list', 'LOG_LINE_UNMATCHED', {
    inputId,
    message: `${inputId} (index ${index}): ${why}; name what was uploaded with --source`,
    record: { index, input },
  });
