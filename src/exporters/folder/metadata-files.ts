import { join } from 'node:path';
import { GrowingFile } from '../growing-file.ts';

export const METADATA_NAME = 'metadata.jsonl';

/** The metadata file of each folder of an export, open while it lasts: there are as many as splits. */
export class MetadataFiles {
  readonly #root: string;
  readonly #files = new Map<string, GrowingFile>();

  private constructor(root: string) {
    this.#root = root;
  }

  /** `sizes`: what an earlier attempt had written into each, in bytes. */
  static async open(root: string, sizes: Readonly<Record<string, number>>): Promise<MetadataFiles> {
    const files = new MetadataFiles(root);
    for (const [folder, size] of Object.entries(sizes)) await files.#open(folder, size);
    return files;
  }

  get sizes(): Record<string, number> {
    return Object.fromEntries([...this.#files].map(([folder, { size }]) => [folder, size]));
  }

  async append(folder: string, line: string): Promise<void> {
    await (this.#files.get(folder) ?? (await this.#open(folder, 0))).append(line);
  }

  async sync(): Promise<void> {
    for (const file of this.#files.values()) await file.sync();
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  async #open(folder: string, size: number): Promise<GrowingFile> {
    const file = await GrowingFile.open(join(this.#root, folder, METADATA_NAME), size);
    this.#files.set(folder, file);
    return file;
  }
}
