import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { manifestFields } from './manifest-options.ts';
import { type Items, listItems } from './module-items.ts';
import { allowPrivateAddresses } from './reach.ts';

const options = z.strictObject({
  export: z.string().min(1).default('default').describe('Name of the export that gives the items'),
  options: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Handed to the module as they are, as a JSON object'),
  idPrefix: manifestFields.idPrefix,
  allowPrivateAddresses,
});
export type ModuleOptions = z.infer<typeof options>;

/** A module of the user's own. It is never detected: code runs only where it was asked for. */
export const moduleLoader: LoaderComponent<ModuleOptions> = {
  name: 'module',
  summary:
    'A TypeScript or JavaScript module of your own that gives the items: a (generator) function, a list, or a whole loader',
  example: 'sluice ingest pipelines/modules/poems.ts --source-type module',
  options,
  detect: () => undefined,
  async open(source, moduleOptions) {
    const file = resolve(source);
    const exported = await exportOf(file, moduleOptions.export);
    const stop = new AbortController();
    const given =
      typeof exported === 'function' ? await called(exported as Make, file, moduleOptions, stop) : exported;
    if (isLoader(given)) return given;
    if (isItems(given)) return new ModuleLoader(file, given, moduleOptions, stop);
    throw new FatalError(
      'PIPELINE_INVALID',
      `the loader ${file} gives no items: its export ${moduleOptions.export} must be, or return, an (async) iterable or a loader`,
    );
  },
};

/** What a module's function is called with. */
export interface ModuleContext {
  options: Record<string, unknown>;
  /** Folder of the module, which relative paths of its items start from. */
  base: string;
  /** Aborted when the run lets go. */
  signal: AbortSignal;
}

type Make = (context: ModuleContext) => unknown;

class ModuleLoader implements Loader {
  readonly describes: string;
  readonly #file: string;
  readonly #items: Items;
  readonly #options: ModuleOptions;
  readonly #stop: AbortController;
  #listed = 0;

  constructor(file: string, items: Items, moduleOptions: ModuleOptions, stop: AbortController) {
    this.describes = `items of the module ${basename(file)}`;
    this.#file = file;
    this.#items = items;
    this.#options = moduleOptions;
    this.#stop = stop;
  }

  /** A module may read anything, so its state is unknown; its items may carry fingerprints. */
  async fingerprint(): Promise<undefined> {
    return undefined;
  }

  async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const stop = () => this.#stop.abort(ctx.signal.reason);
    ctx.signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const listed of listItems(this.#items, this.#file, this.#options, ctx)) {
        this.#listed++;
        yield listed;
      }
      return { complete: true, evidence: `${basename(this.#file)} ended after ${this.#listed} items` };
    } catch (error) {
      if (error instanceof FatalError || ctx.signal.aborted) throw error;
      const reason = `${basename(this.#file)} threw after ${this.#listed} items: ${asError(error).message}`;
      return { complete: false, reason };
    } finally {
      ctx.signal.removeEventListener('abort', stop);
    }
  }

  progress(): { done: number } {
    return { done: this.#listed };
  }
}

async function exportOf(file: string, name: string): Promise<unknown> {
  let exported: Record<string, unknown>;
  try {
    await stat(file);
  } catch (error) {
    throw new FatalError('SOURCE_NOT_FOUND', `${file} cannot be opened: ${asError(error).message}`, {
      cause: error,
    });
  }
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const message = `the loader ${file} cannot be loaded: ${asError(error).message}`;
    throw new FatalError('PIPELINE_INVALID', message, { cause: error });
  }
  if (name in exported) return exported[name];
  const has = Object.keys(exported).join(', ') || 'nothing';
  throw new FatalError(
    'PIPELINE_INVALID',
    `the loader ${file} has no export named ${name}; it exports ${has}`,
  );
}

async function called(
  make: Make,
  file: string,
  moduleOptions: ModuleOptions,
  { signal }: AbortController,
): Promise<unknown> {
  const context: ModuleContext = { options: moduleOptions.options, base: dirname(file), signal };
  try {
    return await make(context);
  } catch (error) {
    if (error instanceof FatalError) throw error;
    const message = `the loader ${file} cannot be started: ${asError(error).message}`;
    throw new FatalError('PIPELINE_INVALID', message, { cause: error });
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isLoader = (value: unknown): value is Loader =>
  isObject(value) &&
  ['list', 'fingerprint'].every((name) => typeof (value as never)[name] === 'function') &&
  'describes' in value;

const isItems = (value: unknown): value is Items =>
  isObject(value) && (Symbol.asyncIterator in value || Symbol.iterator in value);
