import { realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { z } from 'zod';
import { KeyTable } from '../io/key-table.ts';
import { nativePath, type RawPath, rawUri, toRaw } from '../io/raw-path.ts';
import { RecordFile } from '../io/record-file.ts';
import { walk } from '../io/walk.ts';
import type { ConceptDefinition } from '../model/annotation.ts';
import type { Code } from '../model/codes.ts';
import type { LabelComponent } from '../model/component.ts';
import type { Context, ItemLabels, LabelSource, PendingLabels, SourceItem } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { labelsOfRow } from './huggingface-row.ts';
import { FILE_NAME, type MetadataFile, readMetadataRows } from './huggingface-rows.ts';
import { commonSpelling, itemPath } from './item-path.ts';
import { isAnotherFile } from './same-file.ts';

const METADATA_FILE = /(?:^|\/)metadata\.(?:csv|jsonl)$/;

const options = z.strictObject({
  names: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Names of the classes, the first of which is 0, for labels and categories that are given by index',
    ),
});
export type HuggingfaceOptions = z.infer<typeof options>;

/** The metadata files of an image or audio folder of Hugging Face's datasets library. */
export const huggingface: LabelComponent<HuggingfaceOptions> = {
  name: 'huggingface',
  summary:
    'The metadata.csv and metadata.jsonl of a Hugging Face image or audio folder: labels, objects, and all else as metadata',
  example: '- huggingface: {}',
  options,
  create: (base, given) => new HuggingfaceSource(base, given),
};

/** A row in the temporary file: what it says of the file `name`, or why it says nothing. */
type Row = { file: string; line: number } & (
  | { name: string; values: Record<string, unknown> }
  | { code: Code; message: string }
);

class HuggingfaceSource implements LabelSource {
  readonly describes = 'the metadata.csv and metadata.jsonl of its folders';
  readonly #base: string;
  readonly #names: readonly string[] | undefined;
  readonly #files = new Set<string>();
  readonly #concepts = new Map<string, ConceptDefinition>();
  /** Offsets of rows by the path of their file, and under a mark by the common spelling where that is another. */
  readonly #offsets = new KeyTable();
  readonly #taken = new KeyTable({ values: false });
  #root = '' as RawPath;
  #rows: RecordFile | undefined;

  constructor(base: string, { names }: HuggingfaceOptions) {
    this.#base = base;
    this.#names = names;
    names?.forEach((name, i) => {
      this.#concepts.set(name, { id: name, name, sourceId: i });
    });
  }

  get concepts(): readonly ConceptDefinition[] {
    return [...this.#concepts.values()];
  }

  async open({ signal }: Context): Promise<void> {
    const files = await this.#findFiles(signal);
    this.#rows = await RecordFile.create();
    for (const file of files) await this.#index(file, this.#rows, signal);
  }

  owns(uri: string): boolean {
    return this.#files.has(uri);
  }

  async match(item: SourceItem): Promise<PendingLabels | undefined> {
    const path = itemPath(item, this.#base);
    const found = path === undefined ? undefined : await this.#find(path);
    if (found === undefined) return undefined;
    this.#taken.set(String(found.offset));
    const { values, file, line } = found.row;
    const labels: ItemLabels = labelsOfRow(values, `${file}#L${line}`, this.#names);
    return { annotations: labels.annotations?.length ?? 0, load: async () => labels };
  }

  async *unmatched({ signal }: Context): AsyncGenerator<Outcome, void, void> {
    for await (const { offset, record } of this.#rows!.all<Row>()) {
      signal.throwIfAborted();
      const uri = `${record.file}#L${record.line}`;
      if ('code' in record) yield outcomeOf(uri, 'list', record.code, { message: record.message });
      else if (!this.#taken.has(String(offset))) {
        const message = `${record.file}:${record.line}: there is no item ${record.name}`;
        yield outcomeOf(uri, 'list', 'LABELS_WITHOUT_INPUT', { message });
      }
    }
  }

  async close(): Promise<void> {
    await this.#rows?.close();
  }

  async #findFiles(signal: AbortSignal): Promise<MetadataFile[]> {
    const files: MetadataFile[] = [];
    try {
      this.#root = toRaw(await realpath(this.#base));
    } catch (error) {
      throw new FatalError('SOURCE_NOT_FOUND', `the folder ${this.#base} cannot be opened`, { cause: error });
    }
    const root = nativePath(this.#root).toString();
    for await (const entry of walk(root, { symlinks: 'files', signal, prune: async () => undefined })) {
      if (entry.type !== 'file' || !METADATA_FILE.test(entry.path)) continue;
      const name = rawUri(entry.path);
      this.#files.add(name);
      files.push({ path: nativePath(entry.real), name });
    }
    if (files.length > 0) return files;
    const message = `neither metadata.csv nor metadata.jsonl was found in ${this.#base} (metadata.parquet is not read)`;
    throw new FatalError('SOURCE_NOT_FOUND', message);
  }

  async #index(file: MetadataFile, rows: RecordFile, signal: AbortSignal): Promise<void> {
    const folder = posix.dirname(file.name);
    for await (const row of readMetadataRows(file, signal)) {
      const { line } = row;
      const place = { file: file.name, line };
      if ('code' in row) {
        await rows.add({ ...place, code: row.code, message: row.message } satisfies Row);
        continue;
      }
      const fileName = row.values[FILE_NAME];
      if (typeof fileName !== 'string' || fileName.trim() === '') {
        const message = `${file.name}:${line}: the row has no ${FILE_NAME}`;
        await rows.add({ ...place, code: 'INPUT_INVALID_ARGUMENT', message } satisfies Row);
        continue;
      }
      const name = posix.join(folder, fileName.replaceAll('\\', '/'));
      if (this.#offsets.has(name)) {
        const message = `${file.name}:${line}: a row above describes ${name} already`;
        await rows.add({ ...place, code: 'LABELS_AMBIGUOUS', message } satisfies Row);
        continue;
      }
      const offset = await rows.add({ ...place, name, values: row.values } satisfies Row);
      this.#offsets.set(name, offset);
      const common = commonSpelling(name);
      if (common !== name && !this.#offsets.has(marked(common))) this.#offsets.set(marked(common), offset);
      this.#declare(labelsOfRow(row.values, '', this.#names));
    }
  }

  #declare({ concepts = [], annotations = [] }: ItemLabels): void {
    const all = [...concepts, ...annotations.flatMap((each) => ('code' in each ? [] : each.concepts))];
    for (const { id, name } of all) if (!this.#concepts.has(id)) this.#concepts.set(id, { id, name });
  }

  /** The row of a file: the one with its name as it is spelled, else one that is for no other file. */
  async #find(path: string) {
    const common = commonSpelling(path);
    for (const key of [path, common, marked(common)]) {
      const offset = this.#offsets.get(key);
      if (offset === undefined || this.#taken.has(String(offset))) continue;
      const row = await this.#rows!.at<Extract<Row, { name: string }>>(offset);
      const isIts = row.name === path || commonSpelling(row.name) === common;
      if (isIts && (row.name === path || !(await isAnotherFile(this.#root, row.name, path))))
        return { offset, row };
    }
    return undefined;
  }
}

/** The key of rows whose names are spelled in another way. No path holds a NUL. */
const marked = (common: string): string => `\0${common}`;
