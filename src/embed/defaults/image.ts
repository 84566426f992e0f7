import { FatalError } from '../../model/errors.ts';
import type { Tower } from '../tower.ts';

/** The built-in model for image. */
export const defaultImageTower = (_options: { cacheDir: string }): Promise<Tower> =>
  Promise.reject(new FatalError('MODEL_UNSUPPORTED', 'no built-in model yet'));
