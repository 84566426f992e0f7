import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../io/atomic.ts';
import { writeFailure } from '../../io/disk-errors.ts';
import { openUrl } from '../../io/fetch.ts';
import { Spool } from '../../io/spool.ts';
import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import { hubFailure } from './hub-failure.ts';
import type { Hub, HubFile } from './hub-id.ts';

/** Of one file where the hub does not tell its size: more than any single ONNX file has. */
const MAX_BYTES = 64e9;
/** A download that lives writes more often than this. */
const ABANDONED_MS = 60 * 60_000;

/**
 * Fetches one file, which is there whole and as the hub describes it, or not at all. A broken connection is taken up
 * where it broke off.
 */
export async function fetchFile(
  hub: Hub,
  { id, commit, file, to }: { id: string; commit: string; file: HubFile; to: string },
  ctx: Context,
): Promise<void> {
  const folder = dirname(to);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw writeFailure(error, folder);
  });
  await removeAbandoned(folder, ctx.clock.now());
  const name = file.name.split('/').map(encodeURIComponent).join('/');
  const what = `${file.name} of ${id}@${commit}`;
  try {
    await using spool = await Spool.create(folder);
    const { stream } = await openUrl(`${hub.endpoint}/${id}/resolve/${commit}/${name}`, {
      signal: ctx.signal,
      clock: ctx.clock,
      allowPrivateAddresses: hub.allowPrivateAddresses,
      maxBytes: file.size ?? MAX_BYTES,
    });
    const sums = new Sums(file);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sums.update(chunk);
      await spool.write(chunk);
    }
    sums.assertEqual(what);
    await settle(spool, to);
  } catch (error) {
    throw hubFailure(error, { hub, what }, ctx);
  }
}

/** Gives a file its name once its bytes are on the disk. */
async function settle(spool: Spool, to: string): Promise<void> {
  try {
    const file = await open(spool.path, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(spool.path, to);
    spool.keep();
    await syncFolder(dirname(to));
  } catch (error) {
    throw writeFailure(error, to);
  }
}

/** The content's size and hashes, as far as the hub told them. */
class Sums {
  readonly #file: HubFile;
  readonly #sha256 = createHash('sha256');
  readonly #gitSha1 = createHash('sha1');
  #bytes = 0;

  constructor(file: HubFile) {
    this.#file = file;
    this.#gitSha1.update(`blob ${file.size}\0`);
  }

  update(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#file.sha256 !== undefined) this.#sha256.update(chunk);
    else this.#gitSha1.update(chunk);
  }

  /** Throws FatalError MODEL_INVALID. */
  assertEqual(what: string): void {
    const { size, sha256, gitSha1 } = this.#file;
    const damaged = (measured: number | string, limit: number | string) =>
      new FatalError(
        'MODEL_INVALID',
        `${what} is not what the hub announced: ${measured} instead of ${limit}`,
        {
          measured,
          limit,
        },
      );
    if (size !== undefined && this.#bytes !== size) throw damaged(`${this.#bytes} bytes`, `${size} bytes`);
    const expected = sha256 ?? (size === undefined ? undefined : gitSha1);
    if (expected === undefined) return;
    const measured = (sha256 === undefined ? this.#gitSha1 : this.#sha256).digest('hex');
    if (measured !== expected) throw damaged(measured, expected);
  }
}

/** What killed processes left. */
async function removeAbandoned(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.part')) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && now - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}
