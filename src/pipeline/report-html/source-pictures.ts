import { lstat, open } from 'node:fs/promises';
import { join, sep } from 'node:path';
import PQueue from 'p-queue';
import { SNIFF_BYTES, sniff } from '../../media/sniff.ts';
import type { RunReport } from '../report.ts';
import type { Example } from './digest.ts';
import { type Picture, thumbnail } from './pictures.ts';

const CONCURRENCY = 4;
/** Larger files get no picture, in bytes. */
const MAX_BYTES = 64_000_000;
/** What may be drawn of a file that was rejected; others could make their decoder read further files. */
const DRAWN = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif']);

/**
 * Pictures of items that are not in the store, by uri: of those that lie as files in a folder the run listed, and of
 * which something can be decoded. Throws the signal's reason.
 */
export async function sourcePictures(
  examples: Iterable<Example>,
  sources: RunReport['sources'],
  signal: AbortSignal,
): Promise<Map<string, Picture>> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const pictures = new Map<string, Picture>();
  const uris = new Set([...examples].map(({ uri }) => uri));
  await queue.addAll(
    [...uris].map((uri) => async () => {
      signal.throwIfAborted();
      const path = localPath(uri, sources);
      const picture = path === undefined ? undefined : await pictureOf(path);
      if (picture !== undefined) pictures.set(uri, picture);
    }),
  );
  return pictures;
}

/** The file that a uri names; undefined for what is in no folder, such as an entry of an archive. */
function localPath(uri: string, sources: RunReport['sources']): string | undefined {
  const source = sources.find(({ name }) => name === undefined || uri.startsWith(`${name}/`));
  if (source?.type !== 'folder') return undefined;
  const relative = source.name === undefined ? uri : uri.slice(source.name.length + 1);
  const path = join(source.uri, relative);
  return path.startsWith(source.uri.endsWith(sep) ? source.uri : source.uri + sep) ? path : undefined;
}

async function pictureOf(path: string): Promise<Picture | undefined> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size > MAX_BYTES) return undefined;
    return DRAWN.has((await sniff(await headOf(path))).format) ? await thumbnail(path) : undefined;
  } catch {
    return undefined;
  }
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
