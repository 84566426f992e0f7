import { posix } from 'node:path';
import { z } from 'zod';
import { clarifaiLabels } from '../formats/clarifai-json.ts';
import { type ClarifaiAnnotations, readClarifaiJson } from '../formats/clarifai-json-parts.ts';
import { parseJsonFile } from '../formats/json-text.ts';
import { readFailure } from '../io/read-contract.ts';
import { readHead } from '../io/small-file.ts';
import type { AnnotationProblem } from '../model/annotation.ts';
import type { LabelComponent } from '../model/component.ts';
import type { Context, ItemLabels, LabelSource, PendingLabels, SourceItem } from '../model/contracts.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { type Companion, CompanionFiles } from './companion-files.ts';
import { contested } from './contested.ts';
import { itemPath } from './item-path.ts';
import { PathPattern } from './path-pattern.ts';

/** Of one input, masks as base64 included. */
const MAX_FILE_BYTES = 64_000_000;
const PATTERN = '{dir}/../annotations/{stem}.json';
/** The folder that the SDK makes when it is not told a split. */
const NO_SPLIT = 'all';

const options = z.strictObject({});
export type ClarifaiOptions = z.infer<typeof options>;

/**
 * The annotations that the platform's Python SDK exports: `inputs/<id>.png` beside `annotations/<id>.json`, in the
 * source itself or in a folder of it for each split. The export declares no concepts; they are those of its files.
 */
export const clarifai: LabelComponent<ClarifaiOptions> = {
  name: 'clarifai',
  summary:
    'The annotations of a Clarifai export: inputs/ beside annotations/*.json, also in a folder for each split',
  example: '- clarifai: {}',
  options,
  create: (base) => new ClarifaiSource(base),
};

class ClarifaiSource implements LabelSource {
  readonly describes = 'Clarifai annotations in annotations/*.json beside inputs/';
  readonly concepts = [];
  readonly #base: string;
  readonly #files: CompanionFiles;

  constructor(base: string) {
    this.#base = base;
    this.#files = new CompanionFiles(base, new PathPattern(PATTERN));
  }

  async open(): Promise<void> {
    await this.#files.open();
  }

  owns(uri: string): boolean {
    return this.#files.owns(uri);
  }

  async match(item: SourceItem): Promise<PendingLabels | undefined> {
    const folder = posix.dirname(itemPath(item, this.#base) ?? '');
    if (posix.basename(folder) !== 'inputs') return undefined;
    const split = posix.basename(posix.dirname(folder));
    const file = await this.#files.find(item);
    const labels: ItemLabels = split === '.' || split === NO_SPLIT ? {} : { split };
    if (file === undefined) {
      return labels.split === undefined ? undefined : { annotations: 0, load: async () => labels };
    }
    if (file.contested) {
      return {
        annotations: 1,
        load: async () => ({ ...labels, annotations: [contested(file.uri, item.uri)] }),
      };
    }
    // Read again when it is the item's turn, so that what waits is small.
    const { entries } = await read(file);
    return {
      annotations: entries.length,
      load: async ({ signal }) => ({ ...labels, ...(await clarifaiLabels(await read(file), signal)) }),
    };
  }

  async *unmatched(ctx: Context): AsyncGenerator<Outcome, void, void> {
    for await (const uri of this.#files.untaken(ctx)) {
      yield outcomeOf(`${uri}#annotations`, 'list', 'LABELS_WITHOUT_INPUT', {
        message: `${uri} has the annotations of an input that is not in the folder inputs beside it`,
      });
    }
  }

  async close(): Promise<void> {}
}

/** A file that cannot be read is one problem. */
async function read({ file, uri }: Companion): Promise<ClarifaiAnnotations> {
  try {
    const bytes = await readHead(file, MAX_FILE_BYTES + 1);
    if (bytes === undefined) throw new Error('it is no longer there');
    if (bytes.length > MAX_FILE_BYTES)
      throw new Error(`a file of annotations has at most ${MAX_FILE_BYTES} bytes`);
    return readClarifaiJson(parseJsonFile(bytes, uri), uri);
  } catch (error) {
    const { message } = readFailure(error, uri);
    const problem: AnnotationProblem = { ref: uri, code: 'ANNOTATION_INVALID_ARGUMENT', message };
    return { concepts: [], metadata: undefined, geo: undefined, entries: [problem] };
  }
}
