import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { FatalError } from '../../model/errors.ts';
import { ModelFolder } from '../models/folder.ts';

const require = createRequire(import.meta.url);

/**
 * The folder of an npm package that holds a built-in model, wherever it is installed: beside us, above, or globally.
 *
 * Throws FatalError MODEL_NOT_FOUND.
 */
export function packageFolder(name: string, folder: string): ModelFolder {
  // Not by resolving a file: what a package exports says nothing of its other files.
  const roots = require.resolve.paths(name) ?? [];
  const root = roots.find((path) => existsSync(join(path, name, 'package.json')));
  if (root !== undefined) return new ModelFolder(`default of ${name}`, join(root, name, folder));
  throw new FatalError(
    'MODEL_NOT_FOUND',
    `the package ${name}, which holds a built-in model, is not installed; install Sluice again (looked in ${roots.join(', ')})`,
  );
}
