import { Readable } from 'node:stream';
import type { ConceptDefinition } from '../../model/annotation.ts';
import type { DatasetVersion, StoredFilter } from '../../model/dataset.ts';
import { FatalError, RejectedItemError } from '../../model/errors.ts';
import type { ExportSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import { blobPath } from './blobs.ts';
import { listConcepts } from './concepts.ts';
import { noDataset, noFilter, noVersion } from './dataset-errors.ts';
import { listFilters } from './dataset-filters.ts';
import { findDataset } from './dataset-table.ts';
import { type DatasetDetails, type DatasetSummary, listDatasets, showDataset } from './datasets.ts';
import { sizeOf } from './durability.ts';
import { FolderFiles } from './files/folder-files.ts';
import { type InputLabels, scanLabels } from './label-scan.ts';
import { type Connection, connectTables, findTable, readFailure, sqlText, type Table } from './lance.ts';
import { findStore, type StorePaths } from './layout.ts';
import { type ListOptions, listRows } from './listing.ts';
import { type InputRow, readRows, toInput } from './rows.ts';
import { type EmbeddedInput, EmbeddingReader } from './vectors/embeddings.ts';
import { listVersions, type Manifest, readManifest } from './versions/manifest.ts';
import { VersionSource } from './versions/source.ts';

/** Reads a store. Never waits for a writer: each call sees the newest commit at its begin. */
export class LocalReader {
  readonly #paths: StorePaths;
  readonly #connection: Connection;
  readonly #embeddings: EmbeddingReader;

  private constructor(paths: StorePaths, connection: Connection) {
    this.#paths = paths;
    this.#connection = connection;
    this.#embeddings = new EmbeddingReader(paths);
  }

  /** Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT, the last from every other call too. */
  static async open(root: string): Promise<LocalReader> {
    const paths = await findStore(root);
    return new LocalReader(paths, await connectTables(paths.db, paths.files));
  }

  /** In the order of their ids, streamed. A text over 64 kB has no `text`; `openBytes` gives it. */
  async *listInputs(options: ListOptions = {}): AsyncGenerator<Input> {
    try {
      for await (const row of listRows(() => this.#inputs(), options)) yield toInput(row);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  /** How many inputs there are. */
  countInputs(): Promise<number> {
    return this.#read(async (inputs) => (await inputs?.countRows()) ?? 0);
  }

  async getInput(id: string): Promise<Input | undefined> {
    const row = await this.#row(id);
    return row === undefined ? undefined : toInput(row);
  }

  /**
   * The original bytes. Throws RejectedItemError INPUT_NOT_FOUND for an unknown id, or when the store keeps a
   * reference and the file is gone; FatalError STORE_CORRUPT when a blob is gone.
   */
  async openBytes(id: string): Promise<Readable> {
    const row = await this.#row(id);
    if (row === undefined) throw new RejectedItemError('INPUT_NOT_FOUND', `there is no input ${id}`);
    if (row.kind === 'text' && row.text !== undefined) return Readable.from([row.text]);
    const path = row.source ?? blobPath(this.#paths.blobs, row.sha256);
    const files = row.source === undefined ? this.#paths.files : new FolderFiles();
    const bytes = await files.open(path).catch((cause: unknown) => {
      throw readFailure(cause, this.#paths.root);
    });
    if (bytes !== undefined) return bytes;
    if (row.source !== undefined) {
      throw new RejectedItemError('INPUT_NOT_FOUND', `input ${id} refers to ${path}, which is gone`);
    }
    throw new FatalError('STORE_CORRUPT', `the blob of input ${id} is gone: ${path}`);
  }

  /**
   * Where the bytes of an input are, so that they are read without a copy: its text where that is in the row, else a
   * file, which may be gone; of a bucket a local copy, to be read soon. Throws RejectedItemError INPUT_NOT_FOUND for an input that was deleted.
   */
  async locate({ id, kind, sha256, text }: Input): Promise<{ text: string } | { path: string }> {
    if (kind === 'text' && text !== undefined) return { text };
    const blob = blobPath(this.#paths.blobs, sha256);
    const local = await this.#paths.files.localCopy(blob);
    if (local !== undefined && (await sizeOf(local)) !== undefined) return { path: local };
    const row = await this.#row(id);
    if (row === undefined) throw new RejectedItemError('INPUT_NOT_FOUND', `there is no input ${id}`);
    return { path: row.source ?? blob };
  }

  /** Inputs with the vectors that they have under the generation that searches use, as `inputs list` shows them. */
  async *withEmbeddings(inputs: AsyncIterable<Input>): AsyncGenerator<EmbeddedInput> {
    try {
      yield* this.#embeddings.attach(inputs);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  /** As label sources declared them, in the order of first declaration over all runs. */
  async listConcepts(): Promise<ConceptDefinition[]> {
    try {
      return await listConcepts(this.#connection);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  /** By id. */
  listDatasets(): Promise<DatasetSummary[]> {
    return this.#read((inputs) => listDatasets(this.#connection, inputs));
  }

  /** Undefined where there is no such dataset. */
  showDataset(id: string): Promise<DatasetDetails | undefined> {
    return this.#read((inputs) => showDataset(this.#connection, inputs, id));
  }

  /** Throws FatalError DATASET_NOT_FOUND, naming what there is. */
  async requireDataset(id: string): Promise<void> {
    if ((await this.#read(() => findDataset(this.#connection, id))) !== undefined) return;
    throw await noDataset(this.#connection, id);
  }

  /** The versions of a dataset, the oldest first; also of one that was deleted without them. */
  async listVersions(dataset: string): Promise<DatasetVersion[]> {
    try {
      return await listVersions(this.#paths, dataset);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  /** Undefined where the dataset has no such version. */
  async getVersion(dataset: string, id: string): Promise<DatasetVersion | undefined> {
    return (await this.#manifest(dataset, id))?.version;
  }

  /** Throws FatalError DATASET_NOT_FOUND or DATASET_VERSION_NOT_FOUND, naming what there is. */
  async openVersion(dataset: string, id: string): Promise<ExportSource> {
    const manifest = await this.#manifest(dataset, id);
    if (manifest !== undefined) return new VersionSource(this.#paths, manifest, this.#embeddings);
    const versions = await this.listVersions(dataset);
    if (versions.length === 0) await this.requireDataset(dataset);
    throw noVersion(dataset, id, versions);
  }

  /** Annotation filters, by id. */
  async listFilters(): Promise<StoredFilter[]> {
    try {
      return await listFilters(this.#connection);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  /** Throws FatalError FILTER_NOT_FOUND, naming what there is. */
  async getFilter(id: string): Promise<StoredFilter> {
    const filters = await this.listFilters();
    const found = filters.find((filter) => filter.id === id);
    if (found === undefined) throw noFilter(id, filters);
    return found;
  }

  /** The labels of every input that a run wrote last, in no order, streamed. */
  async *runLabels(runId: string): AsyncGenerator<InputLabels> {
    try {
      const inputs = await this.#inputs();
      if (inputs === undefined) return;
      try {
        yield* scanLabels(inputs, runId);
      } finally {
        inputs.close();
      }
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  close(): void {
    this.#embeddings.close();
    this.#connection.close();
    this.#paths.files.close();
  }

  async #manifest(dataset: string, id: string): Promise<Manifest | undefined> {
    try {
      return await readManifest(this.#paths, dataset, id);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  #row(id: string): Promise<InputRow | undefined> {
    return this.#read(async (inputs) => {
      for await (const batch of inputs?.query().where(`id = ${sqlText(id)}`) ?? []) {
        for (const row of readRows(batch)) return row;
      }
      return undefined;
    });
  }

  async #read<T>(read: (inputs: Table | undefined) => Promise<T>): Promise<T> {
    try {
      const inputs = await this.#inputs();
      try {
        return await read(inputs);
      } finally {
        inputs?.close();
      }
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  /** A handle on the newest version; it stays on that version. */
  #inputs(): Promise<Table | undefined> {
    return findTable(this.#connection, 'inputs');
  }
}
