import type { ModelRef } from '../../model/embedding.ts';
import type { ModelFolder } from './folder.ts';
import { findGraph } from './onnx-file.ts';

/** Of models whose sides have graphs of their own. */
const SIDES = ['text_model', 'vision_model', 'audio_model'];

/** Absolute paths of the graphs of all sides that there are, with the wanted weights: they decide what can be compared. */
export const sideFiles = (folder: ModelFolder, ref: ModelRef): string[] =>
  SIDES.flatMap((stem) => findGraph(folder, ref, [stem]) ?? []);
