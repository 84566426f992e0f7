import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asError, FatalError } from '../../model/errors.ts';

/** A model as a folder of files in the Hugging Face layout: `config.json`, `tokenizer.json`, `onnx/model.onnx` … */
export class ModelFolder {
  /** As users name it, for messages. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.path = path;
  }

  /** Absolute path of a file that is there. */
  find(file: string): string | undefined {
    const path = join(this.path, file);
    return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
  }

  /** Throws FatalError MODEL_NOT_FOUND. */
  require(file: string): string {
    const path = this.find(file);
    if (path !== undefined) return path;
    throw new FatalError('MODEL_NOT_FOUND', `the model ${this.name} has no ${file} (looked in ${this.path})`);
  }

  /** Undefined where there is no such file. Throws FatalError MODEL_INVALID. */
  async json<T>(file: string): Promise<T | undefined> {
    const path = this.find(file);
    if (path === undefined) return undefined;
    try {
      return JSON.parse(await readFile(path, 'utf8')) as T;
    } catch (cause) {
      const message = `${file} of the model ${this.name} is not JSON: ${asError(cause).message}`;
      throw new FatalError('MODEL_INVALID', message, { cause });
    }
  }
}
