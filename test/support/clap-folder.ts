import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelFolder } from '../../src/embed/models/folder.ts';
import { ELEMENT, type OnnxValue } from '../../src/formats/onnx/types.ts';
import { writeModel } from '../../src/formats/onnx/write.ts';
import { tempFolder } from './temp-folder.ts';

const PREPROCESSOR = {
  feature_extractor_type: 'ClapFeatureExtractor',
  feature_size: 4,
  sampling_rate: 8000,
  hop_length: 80,
  fft_window_size: 256,
  max_length_s: 1,
  frequency_min: 50,
  frequency_max: 4000,
  padding: 'repeatpad',
  truncation: 'rand_trunc',
};
export const FEATURES: OnnxValue = { name: 'input_features', type: ELEMENT.float, dims: ['N', 1, 101, 4] };
export const EMBEDS: OnnxValue = { name: 'audio_embeds', type: ELEMENT.float, dims: ['N', 4] };

export interface ClapParts {
  preprocessor?: object;
  inputs?: OnnxValue[];
  outputs?: OnnxValue[];
  opset?: number;
}

/** A model whose vector is the mean spectrum: [N, 1, 101, 4] over the frames. */
export async function clapFolder({
  preprocessor = {},
  inputs = [FEATURES],
  outputs = [EMBEDS],
  opset = 13,
}: ClapParts = {}): Promise<ModelFolder> {
  const path = await tempFolder();
  await mkdir(join(path, 'onnx'));
  await writeFile(join(path, 'config.json'), '{"model_type":"clap"}');
  await writeFile(
    join(path, 'preprocessor_config.json'),
    JSON.stringify({ ...PREPROCESSOR, ...preprocessor }),
  );
  const half = inputs[0]?.type === ELEMENT.float16;
  const model = writeModel({
    opset,
    name: 'clap',
    nodes: [
      {
        op: 'ReduceMean',
        inputs: ['input_features'],
        outputs: ['audio_embeds'],
        attributes: { axes: { ints: [1, 2] }, keepdims: { i: 0 } },
      },
    ],
    tensors: [],
    inputs,
    outputs,
  });
  await writeFile(join(path, 'onnx', half ? 'audio_model_fp16.onnx' : 'audio_model.onnx'), model);
  return new ModelFolder('clap', path);
}
