import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { LOG_FOLDER } from '../formats/delta/log-files.ts';
import { checkReadable, readSchema } from '../formats/delta/schema.ts';
import { readSnapshot } from '../formats/delta/snapshot.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, Listed, ListingProof, Loader } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { DeltaTable } from './delta-table.ts';
import { filesBeside, isUnreadable, rowTargets } from './parquet.ts';
import { tableFields } from './parquet-options.ts';
import { listTable, planTable, type TablePlan } from './parquet-table.ts';

const options = z.strictObject({
  tableVersion: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Version of the table that is read; by default its latest'),
  ...tableFields,
});
export type DeltaOptions = z.infer<typeof options>;

/** Rows of a Delta table in a local folder. */
export const delta: LoaderComponent<DeltaOptions> = {
  name: 'delta',
  summary: 'Rows of a Delta table at its latest or a given version, without those that are deleted',
  example: 'sluice ingest tables/products --table-version 12',
  options,
  detect: ({ source, isDirectory }) =>
    isDirectory && statSync(join(source, LOG_FOLDER), { throwIfNoEntry: false })?.isDirectory()
      ? 'a Delta table'
      : undefined,
  async open(source, deltaOptions) {
    const root = resolve(source);
    const stats = await stat(root).catch((error: unknown) => {
      const message = `${source} cannot be opened: ${asError(error).message}`;
      throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
    });
    if (!stats.isDirectory())
      throw new FatalError('SOURCE_UNRECOGNISED', `${source} is no folder, as Delta tables are`);
    const name = rawUri(toRaw(basename(root)));
    const never = new AbortController().signal;
    const snapshot = await readSnapshot(root, deltaOptions.tableVersion, never);
    checkReadable(snapshot.protocol, snapshot.metadata, name);
    const table = new DeltaTable(name, root, snapshot, readSchema(snapshot.metadata, name));
    try {
      const plan = await planTable(table, filesBeside(root, deltaOptions.allowOutside), deltaOptions, never);
      return new DeltaLoader(table, root, plan, deltaOptions);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      throw new FatalError('SOURCE_INCOMPLETE', asError(error).message, { cause: error });
    }
  },
};

class DeltaLoader implements Loader {
  readonly describes: string;
  readonly #table: DeltaTable;
  readonly #root: string;
  readonly #plan: TablePlan;
  readonly #options: DeltaOptions;

  constructor(table: DeltaTable, root: string, plan: TablePlan, deltaOptions: DeltaOptions) {
    const { name, snapshot } = table;
    this.describes = `Delta table ${name} at version ${snapshot.version}, ${snapshot.files.length} data files; ${plan.facts}`;
    this.#table = table;
    this.#root = root;
    this.#plan = plan;
    this.#options = deltaOptions;
  }

  /** A version of a table never changes. */
  async fingerprint(): Promise<string> {
    const { metadata, version } = this.#table.snapshot;
    return `${metadata.id}@${version}`;
  }

  async *list(ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const table = this.#table;
    try {
      const targets = rowTargets(this.#root, this.#options, ctx);
      yield* listTable(table, this.#plan, targets, this.#options, ctx);
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isUnreadable(error)) throw error;
      const { done, total } = table.progress;
      const reason = `${asError(error).message} (after ${done} of ${total} data files)`;
      return { complete: false, reason };
    }
    const { version, files } = table.snapshot;
    const { rows, deleted } = table.counted;
    return {
      complete: true,
      evidence:
        `all ${files.length} data files of version ${version} were read: ` +
        `${rows} rows by their footers, ${deleted} of them deleted`,
    };
  }

  /** In data files. */
  progress(): { done: number; total: number } {
    return this.#table.progress;
  }
}
