import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { expect } from 'vitest';
import { type PipelineFile, type RunReport, runPipeline } from '../../src/index.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { accounted } from './accounts.ts';
import { tempFolder } from './temp-folder.ts';

export const WIDTH = 40;
export const HEIGHT = 20;

/** A PNG of 40 × 20 pixels in one colour, so that no two of different shades have the same bytes. */
export const plainPng = (shade: number, width = WIDTH, height = HEIGHT): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: shade, g: 255 - shade, b: 90 } } })
    .png()
    .toBuffer();

/** A folder with these files; objects are written as JSON, a number is a PNG of that shade. */
export async function folderOf(
  files: Record<string, object | string | number>,
  dir?: string,
): Promise<string> {
  const base = dir ?? (await tempFolder());
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(base, name)), { recursive: true });
    await writeFile(
      join(base, name),
      typeof content === 'number' ? await plainPng(content) : asFile(content),
    );
  }
  return base;
}

const asFile = (content: object | string): Buffer | string =>
  Buffer.isBuffer(content) || typeof content === 'string' ? content : JSON.stringify(content);

/** A COCO document of images of 40 × 20 pixels. */
export const cocoOf = (
  images: Record<string, number>,
  annotations: readonly object[],
  categories: readonly object[] = [{ id: 1, name: 'cat' }],
): object => ({
  images: Object.entries(images).map(([file_name, id]) => ({ id, file_name, width: WIDTH, height: HEIGHT })),
  annotations,
  categories,
});

export interface LabelledRun {
  report: RunReport;
  store: string;
  /** By uri. */
  lines: Map<string, Outcome>;
}

/** Runs a pipeline whose paths start from `base`, and holds its accounts against its ledger. */
export async function runLabelled(
  base: string,
  pipeline: PipelineFile,
  store = join(base, 'store'),
): Promise<LabelledRun> {
  const report = await runPipeline({ pipeline, base, store });
  return { report, store, lines: accounted(store, report) };
}

/** `CODE ref: message` of the annotations of an item that could not be used. */
export const problemsOf = (line: Outcome | undefined): string[] =>
  (line?.annotations?.problems ?? []).map(({ code, ref, message }) => `${code} ${ref}: ${message}`);

/** The only annotation of an input. */
export function only(annotations: readonly Annotation[] | undefined): Annotation {
  expect(annotations).toHaveLength(1);
  return annotations![0]!;
}
