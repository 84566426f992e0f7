import { realpath, stat } from 'node:fs/promises';
import { isS3 } from '../io/s3/address.ts';
import { readHead } from '../io/small-file.ts';
import type { LoaderComponent, SourceProbe } from '../model/component.ts';
import { asError, FatalError } from '../model/errors.ts';

type AnyLoader = LoaderComponent<unknown>;
type Entry = readonly [name: string, load: () => Promise<AnyLoader>];

/** What a loader is shown of a file. */
const HEAD_BYTES = 4096;

/** Every loader, in the order in which they are asked whether a source is theirs. */
const LOADERS = tableOf([
  ['s3', async () => (await import('./s3.ts')).s3],
  ['delta', async () => (await import('./delta.ts')).delta],
  ['folder', async () => (await import('./folder.ts')).folder],
  ['csv', async () => (await import('./csv.ts')).csv],
  ['jsonl', async () => (await import('./jsonl.ts')).jsonl],
  ['clarifai-archive', async () => (await import('./clarifai-archive.ts')).clarifaiArchive],
  ['zip', async () => (await import('./zip.ts')).zip],
  ['parquet', async () => (await import('./parquet.ts')).parquet],
  ['sdk-log', async () => (await import('./sdk-log.ts')).sdkLog],
  ['module', async () => (await import('./module.ts')).moduleLoader],
  ['url-list', async () => (await import('./url-list.ts')).urlList],
]);

export const loaderNames: readonly string[] = [...LOADERS.keys()];

/** A table by name; throws when two entries share one, so that a loader can never hide another. */
export function tableOf(entries: readonly Entry[]): ReadonlyMap<string, Entry[1]> {
  const table = new Map<string, Entry[1]>();
  for (const [name, load] of entries) {
    if (table.has(name)) throw new Error(`two loaders are named ${name}`);
    table.set(name, load);
  }
  return table;
}

/** Throws FatalError CONFIG_INVALID naming the loaders there are. */
export async function loadLoader(name: string): Promise<AnyLoader> {
  const load = LOADERS.get(name);
  if (load === undefined) {
    throw new FatalError('CONFIG_INVALID', `no loader is named ${name}; there are ${loaderNames.join(', ')}`);
  }
  return load();
}

/**
 * The loader that a source is for, and why, as a phrase to show. Reads at most the first 4 kB of a file.
 *
 * Throws FatalError SOURCE_NOT_FOUND, or SOURCE_UNRECOGNISED with what was seen.
 */
export async function detectSource(source: string): Promise<{ loader: AnyLoader; reason: string }> {
  const probe = await probeOf(source);
  for (const load of LOADERS.values()) {
    const loader = await load();
    const reason = loader.detect(probe);
    if (reason !== undefined) return { loader, reason };
  }
  throw unrecognised(source, seen(probe));
}

async function probeOf(source: string): Promise<SourceProbe> {
  // Nothing of this machine.
  if (isS3(source)) return { source, isDirectory: false, head: Buffer.alloc(0) };
  const scheme = /^(?<scheme>[a-z][a-z0-9+.-]+):\/\//i.exec(source)?.groups?.['scheme'];
  try {
    const path = await realpath(source);
    const stats = await stat(path);
    if (stats.isDirectory()) return { source, isDirectory: true, head: Buffer.alloc(0) };
    if (!stats.isFile()) throw unrecognised(source, 'a FIFO, socket or device');
    return { source, isDirectory: false, head: (await readHead(path, HEAD_BYTES)) ?? Buffer.alloc(0) };
  } catch (error) {
    if (error instanceof FatalError) throw error;
    if (scheme !== undefined) throw unrecognised(source, `an address of the scheme ${scheme}`);
    const message = `${source} cannot be opened: ${asError(error).message}`;
    throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
  }
}

const unrecognised = (source: string, what: string): FatalError =>
  new FatalError(
    'SOURCE_UNRECOGNISED',
    `${source} is ${what}, which no loader takes: ` +
      `give a folder, a .csv, .tsv, .jsonl, .parquet or .zip file or a text file of URLs, s3://bucket/prefix, ` +
      `or say with --source-type (${loaderNames.join(', ')}) what it is` +
      (/\.ya?ml$/i.test(source) ? '; a pipeline file is run by sluice run' : ''),
  );

function seen({ head }: SourceProbe): string {
  if (head.length === 0) return 'an empty file';
  const start = [...head.subarray(0, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `a file that starts with the bytes ${start}`;
}
