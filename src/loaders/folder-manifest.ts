import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { urlFetcher } from '../io/fetch.ts';
import { statFingerprint } from '../io/fingerprint.ts';
import { isInside } from '../io/look.ts';
import { type RawPath, rawUri, toRaw } from '../io/raw-path.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { localFiles } from './local-files.ts';
import {
  listManifest,
  type ManifestInput,
  type ManifestOptions,
  type Refusal,
  type ResolvedFile,
} from './manifest.ts';
import type { NamedFiles } from './named-files.ts';

export interface FolderManifestOptions extends ManifestOptions {
  allowOutside: boolean;
  allowPrivateAddresses: boolean;
}

/** The CSV in a folder that says what some of its files are. Its paths are relative to it and stay in the folder. */
export class FolderManifest {
  readonly #root: string;
  /** Absolute, without links. */
  readonly #path: string;
  readonly #options: FolderManifestOptions;

  private constructor(root: string, path: string, options: FolderManifestOptions) {
    this.#root = root;
    this.#path = path;
    this.#options = options;
  }

  /** `root` is absolute and without links, `path` relative to it. Throws FatalError. */
  static async open(root: string, path: string, options: FolderManifestOptions): Promise<FolderManifest> {
    try {
      const real = await realpath(resolve(root, path));
      if (!isInside(toRaw(real), toRaw(root))) {
        throw new FatalError('CONFIG_INVALID', `the manifest ${path} lies outside the source ${root}`);
      }
      if (!(await stat(real)).isFile()) {
        throw new FatalError('CONFIG_INVALID', `the manifest ${path} is not a regular file`);
      }
      return new FolderManifest(root, real, options);
    } catch (error) {
      if (error instanceof FatalError) throw error;
      const message = `the manifest ${path} cannot be opened: ${asError(error).message}`;
      throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
    }
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.#path, { bigint: true }));
  }

  /** Lists the rows. `named` is told of the manifest and of every file that a row names. */
  async *list(named: NamedFiles, ctx: Context): AsyncGenerator<Listed, ListingProof, void> {
    const before = await stat(this.#path, { bigint: true });
    named.add(toRaw(this.#path));
    const proof = yield* listManifest(this.#input(Number(before.size), named, ctx), this.#options, ctx);
    if (!proof.complete || (await this.fingerprint()) === statFingerprint(before)) return proof;
    return { complete: false, reason: `${this.#uri} changed while it was read` };
  }

  get #uri(): string {
    const root = toRaw(this.#root);
    return rawUri(toRaw(this.#path).slice(root.endsWith('/') ? root.length : root.length + 1) as RawPath);
  }

  #input(size: number, named: NamedFiles, ctx: Context): ManifestInput {
    const { allowOutside, allowPrivateAddresses } = this.#options;
    const folder = dirname(this.#path);
    const find = localFiles(this.#root, allowOutside);
    return {
      uri: this.#uri,
      size,
      open: async () => createReadStream(this.#path),
      resolveFile: async (path): Promise<ResolvedFile | Refusal> => {
        const found = await find(resolve(folder, path));
        if ('file' in found && found.file !== undefined) named.add(toRaw(found.file));
        return found;
      },
      fetchUrl: urlFetcher({ allowPrivateAddresses }, ctx.clock),
    };
  }
}
