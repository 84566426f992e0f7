import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelFolder } from '../../src/embed/models/folder.ts';
import { ELEMENT, type OnnxNode, type OnnxValue } from '../../src/formats/onnx/types.ts';
import { writeModel } from '../../src/formats/onnx/write.ts';

const TOKENIZER = fileURLToPath(new URL('../fixtures/tokenizers/wordpiece/', import.meta.url));
/** Tokens of the fixture's vocabulary, and length of the vector of each. */
const [TOKENS, HIDDEN] = [400, 8];

const ids = (name: string): OnnxValue => ({ name, type: ELEMENT.int64, dims: ['batch', 'tokens'] });

/** A graph that gives each token its row of a table, by the names of its inputs and of its output. */
export function tokenGraph(
  output = 'last_hidden_state',
  inputs: readonly string[] = ['input_ids'],
): Uint8Array {
  const table = Float32Array.from({ length: TOKENS * HIDDEN }, (_, i) => Math.sin(i * i));
  const nodes: OnnxNode[] = [{ op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['rows'] }];
  const perToken = output === 'last_hidden_state' || output === 'token_embeddings';
  if (perToken) nodes.push({ op: 'Identity', inputs: ['rows'], outputs: [output] });
  // The first token's.
  else
    nodes.push({
      op: 'Gather',
      inputs: ['rows', 'first'],
      outputs: [output],
      attributes: { axis: { i: 1 } },
    });
  return writeModel({
    opset: 17,
    name: 'tokens',
    nodes,
    tensors: [
      { name: 'table', type: ELEMENT.float, dims: [TOKENS, HIDDEN], data: table },
      { name: 'first', type: ELEMENT.int64, dims: [], data: BigInt64Array.of(0n) },
    ],
    inputs: inputs.map(ids),
    outputs: [
      { name: output, type: ELEMENT.float, dims: perToken ? ['batch', 'tokens', HIDDEN] : ['batch', HIDDEN] },
    ],
  });
}

/** Writes a model into a folder: a WordPiece tokenizer, and `files`, of which objects are JSON and null is left out. */
export function textModel(
  path: string,
  files: Readonly<Record<string, object | Uint8Array | null>>,
  name = 'm',
): ModelFolder {
  cpSync(TOKENIZER, path, { recursive: true });
  const all = {
    'config.json': { model_type: 'bert', hidden_size: HIDDEN, max_position_embeddings: 512 },
    'onnx/model.onnx': tokenGraph(),
    ...files,
  };
  for (const [file, content] of Object.entries(all)) {
    if (content === null) continue;
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), content instanceof Uint8Array ? content : JSON.stringify(content));
  }
  return new ModelFolder(name, path);
}
