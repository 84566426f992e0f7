import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ModelRef } from '../../model/embedding.ts';
import type { ModelFolder } from './folder.ts';
import { findGraph } from './onnx-file.ts';

/** Of models whose sides have graphs of their own. */
const SIDES = ['text_model', 'vision_model', 'audio_model'];

/**
 * Absolute paths of the graphs of all sides that there are, with the wanted weights, and of weights beside them
 * (`vision_model.onnx_data`): they decide what can be compared.
 */
export const sideFiles = (folder: ModelFolder, ref: ModelRef): string[] =>
  SIDES.flatMap((stem) => {
    const graph = findGraph(folder, ref, [stem]);
    return graph === undefined ? [] : [graph, ...dataBeside(graph)];
  });

function dataBeside(graph: string): string[] {
  const [folder, name] = [dirname(graph), basename(graph)];
  const isData = (file: string) =>
    file.startsWith(name) && /^[._]data(?:_\d+)?$/.test(file.slice(name.length));
  return readdirSync(folder)
    .filter(isData)
    .map((file) => join(folder, file));
}
