import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { formatS3, parseS3Address, type S3Address } from '../../io/s3/address.ts';
import { Bucket } from '../../io/s3/bucket.ts';
import { uploadFiles } from '../../io/s3/upload.ts';
import type { Logger } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import { companionNames } from './companions.ts';
import { FILE_MARKER, FOLDER_MARKER, type Marker, parseMarker } from './marker.ts';
import { ExportOutput, type ExportState, exists, exportOf } from './output.ts';

/** What an upload leaves while it is under way: the objects that are its own, those that it replaces included. */
interface UploadNote {
  schema: 1;
  type: 'export-upload';
  runId: string;
  dataset: string;
  version: string;
  paths: string[];
}

const NOTE = '.sluice-upload.json';

/**
 * An export that goes to S3: written into a staging folder of the store, and uploaded when it is complete and checked.
 * The marker is the last object; without it the export is not complete. A killed upload goes on, since its state and
 * its part stay until then.
 */
export class S3Output extends ExportOutput {
  readonly #address: S3Address;

  constructor(out: string, store: string, writes: 'file' | 'folder', overwrite: boolean, logger: Logger) {
    const address = parseS3Address(out);
    if (writes === 'file' && address.key === '')
      throw new FatalError(
        'CONFIG_INVALID',
        `this format writes a file; name it: ${formatS3(address)}/<name>`,
      );
    const place = createHash('sha256').update(formatS3(address)).digest('hex').slice(0, 32);
    super(
      resolve(store, 'staging', place, basename(address.key) || address.bucket),
      writes,
      overwrite,
      logger,
    );
    this.#address = address;
  }

  override get out(): string {
    return formatS3(this.#address);
  }

  /** The staging folder, of this export alone. */
  get #staging(): string {
    return dirname(this.path);
  }

  /** Of a folder, what all keys begin with; of a file, what precedes its name. */
  get #base(): string {
    const { key } = this.#address;
    if (this.writes === 'folder') return key === '' ? '' : `${key}/`;
    return key.slice(0, key.length - posix.basename(key).length);
  }

  get #markerPath(): string {
    return this.writes === 'folder' ? FOLDER_MARKER : `${basename(this.path)}${FILE_MARKER}`;
  }
  get #notePath(): string {
    return this.writes === 'folder' ? NOTE : `${basename(this.path)}${NOTE}`;
  }

  override async check(companions: readonly string[], signal: AbortSignal): Promise<void> {
    await super.check(companions, signal);
    await this.#withBucket(async (bucket) => {
      await this.#claim(bucket, await this.#list(bucket, signal), signal);
    });
  }

  /** Uploads everything, the marker last, and removes the staging folder. */
  override async complete(marker: Marker, signal: AbortSignal): Promise<void> {
    const state = await this.readState();
    const paths = marker.files.map(({ path }) => path);
    await this.#withBucket(async (bucket) => {
      const there = await this.#list(bucket, signal);
      const { dataset, version } = marker;
      const replaced = await this.#claim(bucket, there, signal);
      const own = new Set([...paths, ...replaced]);
      const note: UploadNote = {
        schema: 1,
        type: 'export-upload',
        runId: state?.runId ?? '',
        dataset,
        version,
        paths: [...own],
      };
      await bucket.write(this.#keyOf(this.#notePath), `${JSON.stringify(note)}\n`, signal);
      if (there.has(this.#markerPath)) await bucket.remove(this.#keyOf(this.#markerPath), signal);
      this.logger.info(
        { staging: this.#staging, to: this.out },
        `uploading ${paths.length} files to ${this.out}`,
      );
      const byKey = new Map([...there].map(([path, bytes]) => [this.#keyOf(path), bytes]));
      const files = marker.files.map(({ path, bytes }) => ({
        key: this.#keyOf(path),
        path: this.partOf(path),
        bytes,
      }));
      const counts = await uploadFiles(bucket, files, byKey, signal);
      const current = new Set(paths);
      for (const path of replaced) if (!current.has(path)) await bucket.remove(this.#keyOf(path), signal);
      await bucket.write(this.#keyOf(this.#markerPath), `${JSON.stringify(marker)}\n`, signal);
      await bucket.remove(this.#keyOf(this.#notePath), signal);
      this.logger.info(
        counts,
        `${this.out} is complete: ${counts.uploaded} uploaded, ${counts.kept} there already`,
      );
    });
    await this.#removeStaging();
  }

  /** The state goes last: without it what is left would be nobody's. */
  async #removeStaging(): Promise<void> {
    for (const name of await readdir(this.#staging)) {
      const path = join(this.#staging, name);
      if (path !== this.statePath) await rm(path, { recursive: true, force: true });
    }
    await rm(this.#staging, { recursive: true, force: true });
  }

  #keyOf(path: string): string {
    return `${this.#base}${path}`;
  }

  /** What is where the export goes, by path. Beside a file, only what bears a name that the export would use. */
  async #list(bucket: Bucket, signal: AbortSignal): Promise<Map<string, number>> {
    const { key } = this.#address;
    const listed = await bucket.list(this.writes === 'folder' ? this.#base : key, signal);
    const beside = companionNames(this.writes).map((name) => basename(this.companion(name)));
    const names = new Set([basename(this.path), this.#markerPath, this.#notePath, ...beside]);
    const there = new Map<string, number>();
    for (const [found, bytes] of listed) {
      const path = found.slice(this.#base.length);
      // An empty name is the object that consoles make for a folder.
      if (path !== '' && (this.writes === 'folder' || names.has(path))) there.set(path, bytes);
    }
    return there;
  }

  /**
   * The paths there that this export may replace: its own, or with --overwrite those of another. Throws FatalError
   * OUTPUT_EXISTS when there is anything else.
   */
  async #claim(bucket: Bucket, there: ReadonlyMap<string, number>, signal: AbortSignal): Promise<string[]> {
    const state = await this.readState();
    const read = async (path: string) =>
      there.has(path) ? await bucket.read(this.#keyOf(path), signal) : undefined;
    const note = noteOf(await read(this.#notePath));
    const marker = parseMarker(await read(this.#markerPath));
    if (note !== undefined && note.runId !== state?.runId && !this.overwrite) {
      const whose = `an unfinished upload of ${note.dataset}@${note.version} by run ${note.runId}`;
      throw exists(this.out, `: ${whose}; --overwrite replaces it`);
    }
    if (note === undefined && marker !== undefined && !this.overwrite && !isOf(marker, state))
      throw exists(this.out, exportOf(marker));
    const own = new Set([...(note?.paths ?? []), ...(marker?.files ?? []).map(({ path }) => path)]);
    const markers = new Set([
      ...(note === undefined ? [] : [this.#notePath]),
      ...(marker === undefined ? [] : [this.#markerPath]),
    ]);
    for (const path of there.keys()) {
      if (!own.has(path) && !markers.has(path))
        throw exists(this.out, ` and holds ${this.#keyOf(path)}, which no export wrote`);
    }
    return [...there.keys()].filter((path) => own.has(path));
  }

  async #withBucket(work: (bucket: Bucket) => Promise<void>): Promise<void> {
    const bucket = await Bucket.open(this.#address.bucket);
    try {
      await work(bucket);
    } finally {
      bucket.close();
    }
  }
}

/** Cut off between the marker and the removal of the state. */
const isOf = (marker: Marker, state: ExportState | undefined): boolean =>
  state?.dataset === marker.dataset &&
  state.version === marker.version &&
  state.contentHash === marker.contentHash;

function noteOf(text: string | undefined): UploadNote | undefined {
  if (text === undefined) return undefined;
  try {
    const note = JSON.parse(text) as Partial<UploadNote>;
    return note.schema === 1 && note.type === 'export-upload' && Array.isArray(note.paths)
      ? (note as UploadNote)
      : undefined;
  } catch {
    return undefined;
  }
}
