import { ZipArchive } from '../../../src/io/zip/archive.ts';
import type { PlacedEntry } from '../../../src/io/zip/entry.ts';
import { openEntry } from '../../../src/io/zip/entry-stream.ts';
import { LocalFile } from '../../../src/io/zip/local-file.ts';

export interface OpenZip {
  source: LocalFile;
  zip: ZipArchive;
  entries: PlacedEntry[];
}

/** Opens an archive, lists it and lets go of it: entries are read after that, as in a run. */
export async function openZip(path: string, maxEntries = 10_000_000): Promise<OpenZip> {
  const source = await LocalFile.open(path);
  try {
    const zip = await ZipArchive.open(source, { maxEntries });
    const entries: PlacedEntry[] = [];
    for await (const entry of zip.entries()) entries.push(entry);
    return { source, zip, entries };
  } finally {
    await source.release();
  }
}

export async function readEntry({ source, entries }: OpenZip, name: string): Promise<Buffer> {
  const entry = entries.find((e) => e.name === name);
  if (entry === undefined) throw new Error(`no entry ${name}`);
  const { signal } = new AbortController();
  return Buffer.concat(await openEntry(source, entry, { signal }).toArray());
}
