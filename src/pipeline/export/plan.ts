import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../../io/disk-errors.ts';
import type { DatasetVersion } from '../../model/dataset.ts';
import { FatalError } from '../../model/errors.ts';
import type { ExporterComponent } from '../../model/export.ts';
import { KINDS, type Kind } from '../../model/kind.ts';
import { formatBytes, formatCount } from '../wording.ts';

/** Kept free beyond the estimate: for the card, the ledger and the report. */
const RESERVE_BYTES = 64_000_000;

/** How many inputs of each kind a format takes, and how many it cannot carry. */
export function carriedBy(
  { kinds }: Pick<ExporterComponent<unknown>, 'kinds'>,
  { inputsByKind }: DatasetVersion,
): { carried: Partial<Record<Kind, number>>; unsupported: Partial<Record<Kind, number>> } {
  const of = (wanted: (kind: Kind) => boolean) =>
    Object.fromEntries(
      KINDS.filter((kind) => wanted(kind) && (inputsByKind[kind] ?? 0) > 0).map((kind) => [
        kind,
        inputsByKind[kind],
      ]),
    );
  return { carried: of((kind) => kinds.includes(kind)), unsupported: of((kind) => !kinds.includes(kind)) };
}

/** One sentence for the user: what will be exported, and what of it the format cannot carry. */
export function describeExport(exporter: ExporterComponent<unknown>, version: DatasetVersion): string {
  const { unsupported } = carriedBy(exporter, version);
  const what = `${version.dataset}@${version.id}: ${counted(version.inputsByKind) || 'no inputs'}, ${formatBytes(version.bytes)}, as ${exporter.name}`;
  const left = counted(unsupported);
  return left === '' ? what : `${what}; it cannot carry ${left}, which are skipped`;
}

/** Throws FatalError CONFIG_INVALID when a format can carry nothing of a version that is not empty. */
export function assertCarries(exporter: ExporterComponent<unknown>, version: DatasetVersion): void {
  const { carried, unsupported } = carriedBy(exporter, version);
  if (Object.keys(carried).length > 0 || Object.keys(unsupported).length === 0) return;
  throw new FatalError(
    'CONFIG_INVALID',
    `${exporter.name} carries ${exporter.kinds.join(', ')} only, and ${version.dataset}@${version.id} has ${counted(unsupported)}; choose another format`,
  );
}

/** Throws FatalError STORE_FULL when the disk of `path` has less free than `bytes` and a reserve. */
export async function assertRoom(path: string, bytes: number): Promise<void> {
  const needed = bytes + RESERVE_BYTES;
  const { bavail, bsize } = await statfs(await existing(path));
  const free = bavail * bsize;
  if (free >= needed) return;
  throw new FatalError(
    'STORE_FULL',
    `the export needs about ${formatBytes(needed)}, and the disk of ${path} has ${formatBytes(free)} free`,
    { measured: free, limit: needed },
  );
}

/** The folder itself or the nearest one above it that is there. */
async function existing(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await statfs(folder);
      return folder;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || folder === dirname(folder)) throw error;
    }
  }
}

const counted = (byKind: Partial<Record<Kind, number>>): string =>
  Object.entries(byKind)
    .map(([kind, count]) => `${formatCount(count)} ${kind}`)
    .join(', ');
