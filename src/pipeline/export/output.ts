import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder, writeFileAtomic } from '../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import type { Logger } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import type { ExportResult } from '../../model/export.ts';
import { syncFiles, syncFolders } from '../../stores/local/durability.ts';
import {
  FILE_MARKER,
  FOLDER_MARKER,
  filesIn,
  foreignFile,
  type Marker,
  readMarker,
  removeOwn,
  sizeOf,
} from './marker.ts';

/** What a killed export needs to go on: `<out>.part.json`. */
export interface ExportState {
  schema: 1;
  type: 'export-state';
  runId: string;
  dataset: string;
  version: string;
  contentHash: string;
  /** Of everything that decides the bytes: content, format, options, the version of this program. */
  key: string;
  checkpoint: unknown;
}

/**
 * The place where an export goes: `<out>.part` until it is complete, then renamed. Nothing is ever deleted or
 * overwritten that an export of ours did not write.
 */
export class ExportOutput {
  /** Absolute. */
  readonly path: string;
  readonly writes: 'file' | 'folder';
  protected readonly overwrite: boolean;
  protected readonly logger: Logger;

  constructor(out: string, writes: 'file' | 'folder', overwrite: boolean, logger: Logger) {
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(out)) {
      const message = `exports are written to local disks and to s3://, not to ${out}: export to a file or folder, and copy that`;
      throw new FatalError('CONFIG_INVALID', message);
    }
    this.path = resolve(out);
    this.writes = writes;
    this.overwrite = overwrite;
    this.logger = logger;
  }

  /** The place as the user named it. */
  get out(): string {
    return this.path;
  }

  /** Where the exporter writes. */
  get part(): string {
    return `${this.path}.part`;
  }
  protected get statePath(): string {
    return `${this.path}.part.json`;
  }
  get #old(): string {
    return `${this.path}.old`;
  }
  get #oldMarker(): string {
    return join(this.#old, FOLDER_MARKER);
  }
  get marker(): string {
    return this.writes === 'folder' ? join(this.path, FOLDER_MARKER) : `${this.path}${FILE_MARKER}`;
  }

  /** Where one of our own files goes while the export is written: inside the folder, or beside the file. */
  companion(name: string): string {
    return this.writes === 'folder' ? join(this.part, name) : `${this.path}.${name}`;
  }

  /**
   * Throws FatalError OUTPUT_EXISTS for what is there and may not be replaced. `companions` are the names of the files
   * beside the exporter's own.
   */
  async check(companions: readonly string[], _signal: AbortSignal): Promise<void> {
    const state = await this.readState();
    const there = await statOf(this.path);
    const isFolder = there?.isDirectory() === true;
    const hasPart = await this.hasPart();
    if (state === undefined && hasPart) throw exists(this.part, ' and is no unfinished export of ours');
    if (this.writes === 'folder' && (await this.#hasForeignOld())) throw exists(this.#old, '');
    // Cut off between the last rename and the removal of the state: whole, and our own.
    const isJustWritten = state !== undefined && !hasPart;
    if (there === undefined) await this.#checkBeside(companions, state);
    else if (isFolder !== (this.writes === 'folder')) {
      throw exists(
        this.path,
        `; it is a ${isFolder ? 'folder' : 'file'}, and this format writes a ${this.writes}`,
      );
    } else if (isFolder) await this.#checkFolder(isJustWritten);
    else if (!isJustWritten) await this.#checkFile();
  }

  /** Cards and the like that a file export would overwrite. */
  async #checkBeside(companions: readonly string[], state: ExportState | undefined): Promise<void> {
    if (this.writes === 'folder' || state !== undefined || (await readMarker(this.marker)) !== undefined)
      return;
    for (const name of companions) {
      if ((await statOf(this.companion(name))) !== undefined) throw exists(this.companion(name), '');
    }
  }

  async #checkFolder(isJustWritten: boolean): Promise<void> {
    if ((await readdir(this.path)).length === 0) return;
    const marker = await readMarker(this.marker);
    if (marker === undefined) throw exists(this.path, ' and is no export of ours');
    if (!this.overwrite && !isJustWritten) throw exists(this.path, exportOf(marker));
    const foreign = await foreignFile(this.path, marker);
    if (foreign !== undefined) throw exists(this.path, ` and holds ${foreign}, which no export wrote`);
  }

  async #checkFile(): Promise<void> {
    const marker = await readMarker(this.marker);
    const own = marker?.files.find(({ path }) => path === basename(this.path));
    if (marker === undefined || own?.bytes !== (await sizeOf(this.path)))
      throw exists(this.path, ' and is no export of ours');
    if (!this.overwrite) throw exists(this.path, exportOf(marker));
  }

  async #hasForeignOld(): Promise<boolean> {
    return (await statOf(this.#old)) !== undefined && (await readMarker(this.#oldMarker)) === undefined;
  }

  async readState(): Promise<ExportState | undefined> {
    try {
      const state = JSON.parse(await readFile(this.statePath, 'utf8')) as Partial<ExportState>;
      return state.type === 'export-state' && state.schema === 1 ? (state as ExportState) : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async writeState(state: ExportState): Promise<void> {
    await writeFileAtomic(this.statePath, `${JSON.stringify(state)}\n`);
  }

  /** Begins anew: what an earlier attempt of ours left goes, and its state says whose the new part is. */
  async begin(state: ExportState): Promise<void> {
    try {
      await mkdir(dirname(this.path), { recursive: true });
      await rm(this.part, { recursive: true, force: true });
      await this.writeState(state);
      if (this.writes === 'folder') await mkdir(this.part);
    } catch (error) {
      throw writeFailure(error, this.part);
    }
  }

  /** Whether an earlier attempt left something to go on from. */
  async hasPart(): Promise<boolean> {
    return (await statOf(this.part)) !== undefined;
  }

  /** Bytes that an earlier attempt has written. */
  async partBytes(): Promise<number> {
    if (this.writes === 'file') return (await sizeOf(this.part)) ?? 0;
    let bytes = 0;
    for (const path of await filesIn(this.part)) bytes += (await sizeOf(join(this.part, path))) ?? 0;
    return bytes;
  }

  /** Files that are not there with the size that they should have; undefined when all is well. */
  async missing(files: ExportResult['files']): Promise<string | undefined> {
    for (const { path, bytes } of files) {
      const found = await sizeOf(this.partOf(path));
      if (found !== bytes)
        return `${path} should have ${bytes} bytes and ${found === undefined ? 'is not there' : `has ${found}`}`;
    }
    return undefined;
  }

  /** Where a file of the export is while it is not complete. */
  partOf(path: string): string {
    return this.writes === 'folder'
      ? join(this.part, path)
      : path === basename(this.path)
        ? this.part
        : join(dirname(this.path), path);
  }

  /** Makes everything durable and gives it its name. `marker.files` has all of it. */
  async complete(marker: Marker, _signal: AbortSignal): Promise<void> {
    try {
      const files = marker.files.map(({ path }) => this.partOf(path));
      await syncFiles(files);
      const text = `${JSON.stringify(marker)}\n`;
      if (this.writes === 'folder') {
        await writeFileAtomic(join(this.part, FOLDER_MARKER), text);
        await syncFolders(files.map(dirname));
        await this.#replaceFolder();
      } else {
        await rename(this.part, this.path);
        await writeFileAtomic(this.marker, text);
      }
      await rm(this.statePath, { force: true });
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw writeFailure(error, this.path);
    }
  }

  async #replaceFolder(): Promise<void> {
    if ((await readMarker(this.marker)) !== undefined) {
      await this.#removeOld();
      await rename(this.path, this.#old);
    } else if ((await statOf(this.path)) !== undefined) {
      // An empty folder, which Windows would not rename over.
      await rmdir(this.path);
    }
    await rename(this.part, this.path);
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    const marker = await readMarker(this.#oldMarker);
    if (marker === undefined || (await removeOwn(this.#old, marker))) return;
    this.logger.warn({ folder: this.#old }, `${this.#old} was kept, for it holds files that no export wrote`);
  }
}

export const exportOf = ({ dataset, version }: Marker): string =>
  `: an export of ${dataset}@${version}; --overwrite replaces it`;

export const exists = (path: string, how: string): FatalError =>
  new FatalError('OUTPUT_EXISTS', `${path} is there${how}`);

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
