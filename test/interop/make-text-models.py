"""Makes small text models with random weights, in the layout that Hugging Face models have, and the vectors they give.

Usage: .cache/python/models/bin/python test/interop/make-text-models.py OUT_DIR
Each is one layer of attention over embeddings of tokens and positions, with the inputs, outputs and pooling of its kind:
  clip    input_ids -> text_embeds, last_hidden_state; causal, the vector of the first end token, projected
  siglip  input_ids -> pooler_output; 64 tokens, padding included, the vector of the last one
  clap    input_ids, attention_mask -> text_embeds; the vector of the first token, projected
  bert    input_ids, attention_mask, token_type_ids -> last_hidden_state (fp32 and fp16)
OUT_DIR/expected.json: for each, texts and vectors by onnxruntime and the Python tokenizers, one text at a time.
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "tokenizers"
HIDDEN, OUT, POSITIONS = 16, 12, 80
TEXTS = [
    "a cat sleeping on a sofa", "Two DOGS, running over the meadow!", "x", "naïve café — “quotes”", "word " * 200,
    "the stock market fell sharply today", "3.14 and 1,000,000", "二匹の犬が走る",
]


class Graph:
    def __init__(self, seed):
        self.random, self.nodes, self.constants, self.count = np.random.default_rng(seed), [], [], 0

    def const(self, array):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.array(array), name))
        return name

    def weight(self, *shape):
        return self.const((self.random.normal(size=shape) * 2 / np.sqrt(shape[-1])).astype(np.float32))

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def op(self, kind, *inputs, to=None, **attributes):
        self.count += 1
        out = to or f"n{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def hidden(self, vocab, *, causal=False, masked=False, types=False):
        """[N, T, HIDDEN] of input_ids [N, T]."""
        length = self.op("Gather", self.op("Shape", "input_ids"), self.ints(1), axis=0)
        positions = self.op("Slice", self.weight(POSITIONS, HIDDEN), self.ints(0), length)
        x = self.op("Add", self.op("Gather", self.weight(vocab, HIDDEN), "input_ids"), positions)
        if types:
            x = self.op("Add", x, self.op("Gather", self.weight(2, HIDDEN), "token_type_ids"))
        q, k, v = (self.op("MatMul", x, self.weight(HIDDEN, HIDDEN)) for _ in range(3))
        scores = self.op("MatMul", q, self.op("Transpose", k, perm=[0, 2, 1]))
        if causal:
            above = np.triu(np.full((POSITIONS, POSITIONS), -1e9, np.float32), 1)
            corner = self.op("Concat", length, length, axis=0)
            scores = self.op("Add", scores, self.op("Slice", self.const(above), self.ints(0, 0), corner))
        if masked:
            keep = self.cast(self.op("Unsqueeze", "attention_mask", self.ints(1)))
            one = self.const(np.float32([1]))
            scores = self.op("Add", scores, self.op("Mul", self.op("Sub", keep, one), self.const(np.float32([1e9]))))
        return self.op("Add", x, self.op("MatMul", self.op("Softmax", scores, axis=-1), v))

    def cast(self, x, element=TensorProto.FLOAT, to=None):
        self.count += 1
        out = to or f"n{self.count}"
        self.nodes.append(helper.make_node("Cast", [x], [out], to=element))
        return out

    def save(self, path, inputs, outputs):
        path.parent.mkdir(parents=True, exist_ok=True)
        values = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"]) for n in inputs]
        results = [helper.make_tensor_value_info(n, element, ["batch", *dims]) for n, element, dims in outputs]
        graph = helper.make_graph(self.nodes, path.stem, values, results, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return onnxruntime.InferenceSession(path)


def folder_of(out, name, tokenizer, config, **more):
    folder = out / name
    folder.mkdir(parents=True)
    shutil.copy(FIXTURES / tokenizer / "tokenizer.json", folder)
    shutil.copy(FIXTURES / tokenizer / "tokenizer_config.json", folder)
    for file, content in {"config": config, **more}.items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    return folder, Tokenizer.from_file(str(folder / "tokenizer.json"))


def normal(vector):
    return (vector / np.linalg.norm(vector)).astype(float).tolist()


def encode(tokenizer, text, limit):
    tokenizer.enable_truncation(limit)
    return np.array([tokenizer.encode(text).ids], np.int64)


def clip(out):
    config = {"model_type": "clip", "projection_dim": OUT, "text_config": {"hidden_size": HIDDEN, "max_position_embeddings": 77}}
    folder, t = folder_of(out, "clip", "clip", config, preprocessor_config={})
    g, end = Graph(1), t.token_to_id("<|endoftext|>")
    x = g.hidden(t.get_vocab_size(), causal=True)
    g.op("Identity", x, to="last_hidden_state")
    first = g.op("ArgMax", g.cast(g.op("Equal", "input_ids", g.ints(end)), TensorProto.INT32), axis=1, keepdims=1)
    g.op("MatMul", g.op("GatherND", x, first, batch_dims=1), g.weight(HIDDEN, OUT), to="text_embeds")
    outputs = [("last_hidden_state", 1, ["sequence", HIDDEN]), ("text_embeds", 1, [OUT])]
    session = g.save(folder / "onnx" / "text_model.onnx", ["input_ids"], outputs)

    def run(text):
        ids = encode(t, text, 77)
        # As the published processor pads: to 77, with the end token.
        ids = np.pad(ids, ((0, 0), (0, 77 - ids.shape[1])), constant_values=end)
        return session.run(["text_embeds"], {"input_ids": ids})[0][0]
    return run


def siglip(out):
    config = {"model_type": "siglip", "text_config": {"hidden_size": HIDDEN, "max_position_embeddings": 64}}
    folder, t = folder_of(out, "siglip", "unigram", config, preprocessor_config={})
    g = Graph(2)
    x = g.hidden(t.get_vocab_size())
    g.op("Gather", x, g.const(np.int64(-1)), axis=1, to="pooler_output")
    session = g.save(folder / "onnx" / "text_model.onnx", ["input_ids"], [("pooler_output", 1, [HIDDEN])])
    drop = str.maketrans("", "", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

    def run(text):
        ids = encode(t, " ".join(text.lower().translate(drop).split()), 64)
        ids = np.pad(ids, ((0, 0), (0, 64 - ids.shape[1])), constant_values=t.token_to_id("</s>"))
        return session.run(None, {"input_ids": ids})[0][0]
    return run


def clap(out):
    config = {"model_type": "clap", "projection_dim": OUT, "text_config": {"hidden_size": HIDDEN, "max_position_embeddings": 514}}
    folder, t = folder_of(out, "clap", "roberta", config, preprocessor_config={})
    g = Graph(3)
    x = g.hidden(t.get_vocab_size(), masked=True)
    g.op("MatMul", g.op("Gather", x, g.const(np.int64(0)), axis=1), g.weight(HIDDEN, OUT), to="text_embeds")
    session = g.save(folder / "onnx" / "text_model.onnx", ["input_ids", "attention_mask"], [("text_embeds", 1, [OUT])])

    def run(text):
        ids = encode(t, text, 77)
        return session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
    return run


def bert(out, name, pool, pooling):
    config = {"model_type": "bert", "hidden_size": HIDDEN, "max_position_embeddings": POSITIONS}
    folder, t = folder_of(out, name, "wordpiece", config, sentence_bert_config={"max_seq_length": 32})
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    names = ["input_ids", "attention_mask", "token_type_ids"]
    g = Graph(4)
    x = g.op("Identity", g.hidden(t.get_vocab_size(), masked=True, types=True), to="last_hidden_state")
    session = g.save(folder / "onnx" / "model.onnx", names, [(x, 1, ["sequence", HIDDEN])])
    half = Graph(4)
    x = half.hidden(t.get_vocab_size(), masked=True, types=True)
    half.cast(x, TensorProto.FLOAT16, to="last_hidden_state")
    half.save(folder / "onnx" / "model_fp16.onnx", names, [("last_hidden_state", 10, ["sequence", HIDDEN])])

    def run(text):
        ids = encode(t, text, 32)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        return pool(session.run(None, feeds)[0][0])
    return run


def main(out):
    makers = {
        "clip": clip, "siglip": siglip, "clap": clap,
        "mean": lambda out: bert(out, "mean", lambda rows: rows.mean(0), "mean_tokens"),
        "cls": lambda out: bert(out, "cls", lambda rows: rows[0], "cls_token"),
        "last": lambda out: bert(out, "last", lambda rows: rows[-1], "lasttoken"),
    }
    expected = {}
    for name, make in makers.items():
        run = make(out)
        expected[name] = [{"text": text, "vector": normal(run(text))} for text in TEXTS]
    (out / "expected.json").write_text(json.dumps(expected))


main(pathlib.Path(sys.argv[1]))
