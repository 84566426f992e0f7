import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openS3, type S3Reader } from '../io/s3/reader.ts';
import { folderOf, parsePrefix } from '../loaders/s3-bucket.ts';
import { connectionOf, s3Options } from '../loaders/s3-options.ts';
import type { Context } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import type { SourceConfig } from './config.ts';

/** The label files of a bucket, which are read at many places: copies of them in a folder of this machine. */
export class LabelCopies {
  /** Stands for the folder of the prefix. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Throws FatalError CONFIG_INVALID for labels that a bucket cannot have, SOURCE_NOT_FOUND for a file that is not there. */
  static async make({ source, loader, annotate }: SourceConfig, ctx: Context): Promise<LabelCopies> {
    const files = annotate.flatMap(({ type, options }) => filesOf(type, options['file']));
    const reader = await openS3(connectionOf(s3Options.parse(loader)));
    const copies = new LabelCopies(await mkdtemp(join(tmpdir(), 'sluice-labels-')));
    try {
      const { bucket, prefix } = parsePrefix(source);
      for (const file of files)
        await copies.#copy(reader, { bucket, key: `${folderOf(prefix)}${file}` }, file, ctx);
      return copies;
    } catch (error) {
      await copies.close();
      throw error;
    } finally {
      reader.close();
    }
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #copy(
    reader: S3Reader,
    object: { bucket: string; key: string },
    file: string,
    { signal }: Context,
  ): Promise<void> {
    const path = join(this.folder, file);
    if (relative(this.folder, path).startsWith('..'))
      throw new FatalError('CONFIG_INVALID', `the label file ${file} is to be in the folder of the prefix`);
    try {
      await mkdir(dirname(path), { recursive: true });
      await pipeline(await reader.open(object, signal), createWriteStream(path), { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FatalError) throw error;
      const message = `the label file ${file} cannot be read: ${asError(error).message}`;
      throw new FatalError('SOURCE_NOT_FOUND', message, { cause: error });
    }
  }
}

function filesOf(type: string, file: unknown): string[] {
  if (type !== 'coco')
    throw new FatalError(
      'CONFIG_INVALID',
      `${type} labels are read from folders of this machine only; of a bucket, coco labels are, and the rows of a manifest`,
    );
  if (file === undefined)
    throw new FatalError(
      'CONFIG_INVALID',
      'COCO files are not looked for in a bucket: name them with the option file',
    );
  return [file].flat() as string[];
}
