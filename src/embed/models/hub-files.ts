import type { Dtype } from '../../model/embedding.ts';
import { ONNX_SUFFIX } from './onnx-file.ts';

/** Beside the graphs: what is read of a model, and its licence. */
const BESIDE = [
  /^(?:config|preprocessor_config|processor_config|video_preprocessor_config)\.json$/,
  /^(?:tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$/,
  /^(?:vocab|merges)\.txt$/,
  /^(?:modules|sentence_bert_config|config_sentence_transformers)\.json$/,
  /^\d+_[A-Za-z]+\/config\.json$/,
  /^(?:LICEN[CS]E|NOTICE)(?:\.(?:md|txt))?$/i,
];
const GRAPH =
  /^(?:onnx\/)?(?<stem>(?:(?<side>text|vision|audio)_)?model)(?<suffix>_fp16|_int8|_uint8|_quantized)?\.onnx$/;

/** The files of a hub's model that are needed for its weights of one type; no graphs where it has no such weights. */
export function wantedFiles(names: readonly string[], dtype: Dtype): { beside: string[]; graphs: string[] } {
  const found = names.flatMap((name) => {
    const match = GRAPH.exec(name)?.groups;
    const fits = match !== undefined && (match['suffix'] ?? '') === ONNX_SUFFIX[dtype];
    return fits ? [{ name, side: match['side'] }] : [];
  });
  // Where each side has a graph of its own, the one that holds both would be the same weights again.
  const sides = found.filter(({ side }) => side !== undefined);
  const graphs = preferred((sides.length > 0 ? sides : found).map(({ name }) => name));
  const weights = names.filter((name) => graphs.some((graph) => isDataOf(name, graph)));
  return {
    beside: names.filter((name) => BESIDE.some((known) => known.test(name))),
    graphs: [...graphs, ...weights],
  };
}

/** Weights that do not fit into a graph's own file lie beside it. */
const isDataOf = (name: string, graph: string): boolean =>
  name.startsWith(graph) && /^[._]data(?:_\d+)?$/.test(name.slice(graph.length));

/** `onnx/model.onnx` rather than `model.onnx`. */
function preferred(graphs: readonly string[]): string[] {
  const inFolder = graphs.filter((name) => name.startsWith('onnx/'));
  return inFolder.length > 0 ? inFolder : [...graphs];
}

/** The types of weights that a model has graphs of. */
export const dtypesOf = (names: readonly string[]): Dtype[] =>
  (Object.keys(ONNX_SUFFIX) as Dtype[]).filter((dtype) => wantedFiles(names, dtype).graphs.length > 0);
