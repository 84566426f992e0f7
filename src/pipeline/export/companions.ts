import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { Context } from '../../model/contracts.ts';
import type { ExportResult } from '../../model/export.ts';
import { renderCard } from './card.ts';
import { croissantOf } from './croissant.ts';
import { describeFiles } from './described-files.ts';
import type { ExportJob } from './job.ts';
import type { ExportOutput } from './output.ts';
import { sampleSheet } from './sample-sheet.ts';

/**
 * Names of the files that go with every export. Readers of training data pass over folders with a dot in front, so that
 * the picture of a folder export is none of its images.
 */
const NAMES = {
  folder: { card: 'README.md', croissant: 'croissant.json', samples: '.assets/samples.jpg' },
  file: { card: 'README.md', croissant: 'croissant.json', samples: 'samples.jpg' },
};

export const companionNames = (writes: 'file' | 'folder'): string[] => Object.values(NAMES[writes]);

/** Writes the dataset card, its picture and `croissant.json`, and gives what it wrote. */
export async function writeCompanions(
  job: ExportJob,
  result: ExportResult,
  ctx: Context,
): Promise<ExportResult['files']> {
  const { source, exporter, output } = job;
  const names = NAMES[output.writes];
  const written: ExportResult['files'] = [];
  const write = async (name: string, data: string | Buffer) => {
    const path = output.companion(name);
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, data);
    written.push({ path: nameOf(output, name), bytes: Buffer.byteLength(data) });
  };
  const sheet = await sampleSheet(source, ctx);
  if (sheet !== undefined) await write(names.samples, sheet);
  const about = {
    version: source.version,
    license: job.license,
    command: job.command,
    format: exporter.name,
  };
  await write(
    names.card,
    renderCard({
      ...about,
      losses: exporter.losses,
      result,
      ...(sheet === undefined ? {} : { samples: nameOf(output, names.samples) }),
    }),
  );
  const described = await describeFiles(result.files, (path) => output.partOf(path), ctx.signal);
  await write(names.croissant, croissantOf({ ...about, files: described }));
  return written;
}

const nameOf = (output: ExportOutput, name: string): string =>
  output.writes === 'folder' ? name : basename(output.companion(name));
