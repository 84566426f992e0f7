import { toRaw } from '../io/raw-path.ts';
import { formatS3, isS3, parseS3Address } from '../io/s3/address.ts';
import type { S3Object } from '../io/s3/options.ts';
import type { RandomAccess } from '../io/zip/random-access.ts';
import { strongMagic } from '../media/magic.ts';
import type { Context, Listed, ListingProof, SourceItem } from '../model/contracts.ts';
import { FatalError, SluiceError } from '../model/errors.ts';
import { deriveId } from '../model/ids.ts';
import { outcomeOf } from '../model/outcome.ts';
import { listArchive } from './archive.ts';
import { folderLabels } from './labels.ts';
import { ListingGaps } from './listing-gaps.ts';
import { NamedFiles } from './named-files.ts';
import { inStore, PathRules, type Skip, STORE_MARKER } from './path-rules.ts';
import { type BucketSource, bytesOf, hasMarker, keyUri, nameOf } from './s3-bucket.ts';
import type { S3SourceOptions } from './s3-options.ts';
import type { BucketTable } from './s3-table.ts';

export const isArchive = (key: string): boolean => /\.zip$/i.test(key);
/** Enough for the signature of a ZIP. */
const SIGNATURE_BYTES = 16;
/** The keys of a store begin with one of these folders, its marker comes later. */
const FIRST_OF_STORE = /^(.+\/)(?:blobs|db)\/$/s;

export interface ListedBucket extends BucketSource {
  /** Prefixes of stores in the bucket, each with `/` at its end. */
  stores: readonly string[];
  /** Whether the folder is an export of ours. */
  isExport: boolean;
  manifest: BucketTable | undefined;
}

/**
 * One listing of the objects of a bucket, in the order of their keys, which is that of their bytes: so the keys of a
 * folder stand together, and one that is left out is one outcome.
 */
export class BucketListing {
  readonly #source: ListedBucket;
  readonly #options: S3SourceOptions;
  readonly #ctx: Context;
  readonly #rules: PathRules;
  readonly #gaps = new ListingGaps();
  /** What the manifest listed already. */
  readonly #named = new NamedFiles();
  /** The folder of the last key, none of whose folders is left out. */
  #taken = '';
  /** The folder that was left out last. */
  #leftOut: string | undefined;
  /** The store that was found last, which is known by its first keys alone. */
  #store: string | undefined;
  #objects = 0;
  #passed: string | undefined;

  /** `startAfter`: the last key of an earlier listing that needs not be listed again. */
  constructor(source: ListedBucket, options: S3SourceOptions, ctx: Context, startAfter?: string) {
    this.#source = source;
    this.#options = options;
    this.#ctx = ctx;
    this.#rules = new PathRules(options, source.isExport);
    this.#passed = startAfter;
  }

  /** Objects met so far. */
  get found(): number {
    return this.#objects;
  }

  /** The last key of which, and of all before it, everything was listed. */
  get passed(): string | undefined {
    return this.#passed;
  }

  async *list(): AsyncGenerator<Listed, ListingProof, void> {
    const { manifest, bucket, prefix } = this.#source;
    if (manifest !== undefined) {
      this.#name(manifest.key);
      this.#gaps.addPart('manifest', yield* manifest.list(this.#ctx, (key) => this.#name(key)));
    }
    const shown = formatS3({ bucket, key: prefix });
    const after = this.#passed === undefined ? '' : `, after ${JSON.stringify(this.#passed)}`;
    try {
      yield* this.#pages();
    } catch (error) {
      // What came is good, and a resume goes on behind it.
      if (!(error instanceof FatalError) || error.code !== 'SOURCE_INCOMPLETE') throw error;
      return { complete: false, reason: error.message };
    }
    return this.#gaps.proof(`${this.#objects} objects of ${shown}${after}, to the end of the last page`);
  }

  async *#pages(): AsyncGenerator<Listed, void, void> {
    const { reader, bucket, prefix } = this.#source;
    const { recursive } = this.#options;
    const options = {
      prefix,
      ...(recursive ? {} : { delimiter: '/' }),
      ...(this.#passed === undefined ? {} : { startAfter: this.#passed }),
    };
    for await (const page of reader.list(bucket, options, this.#ctx.signal)) {
      // Before the objects: a resume that starts behind one of these must not miss a folder before it.
      for (const folder of page.prefixes) yield* this.#folder(folder);
      for (const object of page.objects) {
        yield* this.#object(object);
        // A later listing must not begin in a store, which it could not tell from other folders.
        if (this.#store === undefined || !this.#pathOf(object.key).startsWith(this.#store))
          this.#passed = object.key;
      }
    }
  }

  /** Of a listing that is not recursive. */
  *#folder(key: string): Generator<Listed, void, void> {
    const path = this.#pathOf(key);
    const skip = this.#skipOfFolder(path) ?? {
      code: 'EXCLUDED',
      message: 'keys with a slash behind the prefix, and the listing is not recursive',
    };
    yield skipped(keyUri(path), skip);
  }

  async *#object(object: S3Object): AsyncGenerator<Listed, void, void> {
    this.#objects++;
    const path = this.#pathOf(object.key);
    // What consoles and other tools make to show a folder that is empty.
    if (object.key.endsWith('/') && object.size === 0) return;
    if (this.#named.has(toRaw(object.key))) return;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    if (folder !== this.#taken && (yield* this.#isLeftOut(folder))) return;
    if (isArchive(path) && object.size > 0 && (yield* this.#archive(object, path))) return;
    const skip = this.#rules.skip(path, 'file');
    yield skip === undefined ? this.#item(object, path) : skipped(keyUri(path), skip);
  }

  /** Whether a folder is left out or in one that is, which is said once. */
  async *#isLeftOut(folder: string): AsyncGenerator<Listed, boolean, void> {
    if (this.#leftOut !== undefined && folder.startsWith(this.#leftOut)) return true;
    for (let at = folder.indexOf('/') + 1; at > 0; at = folder.indexOf('/', at) + 1) {
      const each = folder.slice(0, at);
      if (this.#taken.startsWith(each)) continue;
      const store = await this.#storeOf(each);
      const skip = store === undefined ? this.#skipOfFolder(each) : inStore(store);
      if (skip === undefined) continue;
      this.#store = store;
      this.#leftOut = store ?? each;
      yield skipped(keyUri(this.#leftOut), skip);
      return true;
    }
    this.#taken = folder;
    return false;
  }

  /** The store that a folder is the first of; `path` ends with `/`. */
  async #storeOf(path: string): Promise<string | undefined> {
    const root = FIRST_OF_STORE.exec(path)?.[1];
    if (root === undefined) return undefined;
    const isStore = await hasMarker(this.#source, `${this.#source.folder}${root}${STORE_MARKER}`);
    return isStore ? root : undefined;
  }

  /** `path` ends with `/`. */
  #skipOfFolder(path: string): Skip | undefined {
    const { folder, stores } = this.#source;
    if (stores.includes(`${folder}${path}`)) return inStore(path);
    return path === '/' ? undefined : this.#rules.skip(path.slice(0, -1), 'folder');
  }

  /** Lists what is in an archive; false when it is none, whatever its name says. */
  async *#archive(object: S3Object, path: string): AsyncGenerator<Listed, boolean, void> {
    const uri = keyUri(path);
    const skip = this.#rules.skip(path, 'archive');
    if (skip !== undefined) {
      yield skipped(uri, skip);
      return true;
    }
    const access = this.#source.reader.access({ ...object, bucket: this.#source.bucket });
    if (!(await isZip(access))) return false;
    const excluded = (name: string) => this.#rules.archiveEntry(path, name);
    const options = { ...this.#options, excluded };
    const archive = { uri, open: () => held(access) };
    this.#gaps.addPart('archives', yield* listArchive(archive, options, this.#ctx));
    return true;
  }

  #item(object: S3Object, path: string): SourceItem {
    const concepts = folderLabels(path, this.#options);
    return {
      id: deriveId(path, nameOf(path), this.#options.idPrefix),
      uri: keyUri(path),
      ...(concepts.length > 0 ? { concepts } : {}),
      ...bytesOf(this.#source, object),
    };
  }

  #pathOf(key: string): string {
    return key.slice(this.#source.folder.length);
  }

  #name(key: string): void {
    this.#named.add(toRaw(key));
  }
}

/** The bytes of an object as an archive; the listing that asks for them lets go of them. */
export async function held(access: RandomAccess): Promise<RandomAccess> {
  await access.acquire();
  return access;
}

async function isZip(access: RandomAccess): Promise<boolean> {
  try {
    const head = await access.read(0, Math.min(access.size, SIGNATURE_BYTES));
    return strongMagic(head) === 'zip';
  } catch (error) {
    // Listing the archive says what is wrong with it.
    if (error instanceof SluiceError && !(error instanceof FatalError)) return true;
    throw error;
  }
}

/** What the keys of a store in this bucket begin with; undefined when it is not there. */
export function prefixOfStore(store: string, bucket: string): string | undefined {
  if (!isS3(store)) return undefined;
  const { bucket: own, key } = parseS3Address(store);
  if (own !== bucket) return undefined;
  return key === '' ? '' : `${key}/`;
}

const skipped = (uri: string, { code, message }: Skip): Listed => outcomeOf(uri, 'list', code, { message });
