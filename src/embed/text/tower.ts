import type { ModelRef } from '../../model/embedding.ts';
import type { ModelFolder } from '../models/folder.ts';
import type { Tower } from '../tower.ts';

/** Undefined where the folder holds no text model. */
export const textTower = (_folder: ModelFolder, _ref: ModelRef): Promise<Tower | undefined> =>
  Promise.resolve(undefined);
