"""Small models of the architectures of CLIP, SigLIP and DINOv2, with random weights, and what Python makes of pictures.

`main(out, pictures)` writes a folder in the Hugging Face layout for each, and gives the vectors that Pillow, numpy and
onnxruntime compute with the graphs as they are: {folder: {dtype: [vector of each picture]}}.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from PIL import Image

WIDTH, HEADS, LAYERS = 32, 2, 2
PROCESSORS = {
    "clip": {
        "image_processor_type": "CLIPImageProcessor",
        **{"do_resize": True, "size": {"shortest_edge": 56}, "resample": 3},
        **{"do_center_crop": True, "crop_size": {"height": 56, "width": 56}, "do_convert_rgb": True},
        **{"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True},
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    },
    "siglip": {
        "image_processor_type": "SiglipImageProcessor",
        **{"do_resize": True, "size": {"height": 48, "width": 48}, "resample": 2},
        **{"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True},
        **{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "processor_class": "SiglipProcessor"},
    },
    "dinov2": {
        "image_processor_type": "BitImageProcessor",
        **{"do_resize": True, "size": {"shortest_edge": 64}, "resample": 3},
        **{"do_center_crop": True, "crop_size": {"height": 56, "width": 56}, "do_convert_rgb": True},
        **{"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True},
        **{"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
    },
}
CONFIGS = {
    "clip": {"model_type": "clip", "projection_dim": 24, "vision_config": {"hidden_size": WIDTH}},
    "siglip": {"model_type": "siglip", "vision_config": {"hidden_size": WIDTH}},
    "dinov2": {"model_type": "dinov2", "hidden_size": WIDTH},
}


class Graph:
    """Nodes and weights of a graph; `half`: all of them in float16."""

    def __init__(self, seed: int, half: bool):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []
        self.float = np.float16 if half else np.float32

    def constant(self, values: np.ndarray) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, *shape: int, mean: float = 0) -> str:
        values = mean + self.random.normal(0, 0.3 / np.sqrt(max(1, len(shape) - 1)), shape)
        return self.constant(values.astype(self.float))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def op(self, kind: str, *inputs: str, to: str = "", **attributes) -> str:
        name = to or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, x: str, into: int, out: int, to: str = "") -> str:
        return self.op("Add", self.op("MatMul", x, self.weight(into, out)), self.weight(out), to=to)

    def norm(self, x: str, to: str = "") -> str:
        return self.op("LayerNormalization", x, self.weight(WIDTH, mean=1), self.weight(WIDTH), axis=-1, to=to)

    def heads(self, x: str) -> str:
        split = self.op("Reshape", x, self.ints(0, -1, HEADS, WIDTH // HEADS))
        return self.op("Transpose", split, perm=[0, 2, 1, 3])

    def attention(self, queries: str, x: str) -> str:
        q, k, v = (self.heads(self.linear(value, WIDTH, WIDTH)) for value in (queries, x, x))
        scores = self.op("MatMul", q, self.op("Transpose", k, perm=[0, 1, 3, 2]))
        scale = self.constant(np.array((WIDTH // HEADS) ** -0.5, self.float))
        mixed = self.op("MatMul", self.op("Softmax", self.op("Mul", scores, scale), axis=-1), v)
        joined = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.ints(0, -1, WIDTH))
        return self.linear(joined, WIDTH, WIDTH)

    def feed_forward(self, x: str) -> str:
        hidden = self.linear(x, WIDTH, 4 * WIDTH)
        # CLIP's quick GELU; which one it is does not matter here.
        gate = self.op("Sigmoid", self.op("Mul", hidden, self.constant(np.array(1.702, self.float))))
        return self.linear(self.op("Mul", hidden, gate), 4 * WIDTH, WIDTH)

    def save(self, path: Path, inputs: dict, outputs: dict) -> None:
        kinds = {np.float16: TensorProto.FLOAT16, np.float32: TensorProto.FLOAT, np.int64: TensorProto.INT64}
        info = lambda values: [helper.make_tensor_value_info(n, kinds[t], s) for n, (t, s) in values.items()]
        graph = helper.make_graph(self.nodes, "vision", info(inputs), info(outputs), self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)


def vision(kind: str, path: Path, half: bool = False) -> None:
    """A vision transformer: patches, a first token (not SigLIP's), layers, and the head of its kind."""
    size = PROCESSORS[kind].get("crop_size", PROCESSORS[kind]["size"])["height"]
    patch = 16 if kind == "siglip" else 14
    graph = Graph(len(kind), half)
    patches = graph.op(
        *("Conv", "pixel_values", graph.weight(WIDTH, 3, patch, patch)), strides=[patch, patch], kernel_shape=[patch, patch]
    )
    tokens = graph.op("Transpose", graph.op("Reshape", patches, graph.ints(0, WIDTH, -1)), perm=[0, 2, 1])
    count = (size // patch) ** 2
    if kind != "siglip":
        batch = graph.op("Slice", graph.op("Shape", "pixel_values"), graph.ints(0), graph.ints(1))
        shape = graph.op("Concat", batch, graph.ints(1, WIDTH), axis=0)
        tokens = graph.op("Concat", graph.op("Expand", graph.weight(1, 1, WIDTH), shape), tokens, axis=1)
        count += 1
    x = graph.op("Add", tokens, graph.weight(1, count, WIDTH))
    if kind == "clip":
        x = graph.norm(x)
    for _ in range(LAYERS):
        normal = graph.norm(x)
        x = graph.op("Add", x, graph.attention(normal, normal))
        x = graph.op("Add", x, graph.feed_forward(graph.norm(x)))
    number = graph.float
    outputs = {"last_hidden_state": (number, ["batch", count, WIDTH])}
    if kind == "clip":
        graph.op("Identity", x, to="last_hidden_state")
        first = graph.op("Gather", x, graph.constant(np.array(0, np.int64)), axis=1)
        graph.op("MatMul", graph.norm(first), graph.weight(WIDTH, 24), to="image_embeds")
        outputs["image_embeds"] = (number, ["batch", 24])
    elif kind == "siglip":
        normal = graph.norm(x, to="last_hidden_state")
        pooled = graph.attention(graph.weight(1, 1, WIDTH), normal)
        graph.op("Squeeze", graph.op("Add", pooled, graph.feed_forward(graph.norm(pooled))), graph.ints(1), to="pooler_output")
        # Some exports leave the length to config.json.
        outputs["pooler_output"] = (number, ["batch", "hidden"])
    else:
        graph.norm(x, to="last_hidden_state")
    graph.save(path, {"pixel_values": (number, ["batch", 3, "height", "width"])}, outputs)


def text(path: Path) -> None:
    """The other side of a CLIP or SigLIP, as far as the space of its vectors is named by it."""
    graph = Graph(7, False)
    words = graph.op("Gather", graph.weight(100, 24), "input_ids", axis=0)
    graph.op("ReduceMean", words, axes=[1], keepdims=0, to="text_embeds")
    graph.save(path, {"input_ids": (np.int64, ["batch", "length"])}, {"text_embeds": (np.float32, ["batch", 24])})


def prepared(picture: str, config: dict) -> np.ndarray:
    """[1, 3, H, W], as the image processors of transformers make it."""
    image = Image.open(picture).convert("RGB")
    size, filter = config["size"], Image.Resampling(config["resample"])
    if "shortest_edge" in size:
        edge, (w, h) = size["shortest_edge"], image.size
        wanted = (edge, int(edge * h / w)) if w <= h else (int(edge * w / h), edge)
    else:
        wanted = (size["width"], size["height"])
    image = image.resize(wanted, filter)
    if config.get("do_center_crop"):
        w, h = config["crop_size"]["width"], config["crop_size"]["height"]
        left, top = (image.width - w) // 2, (image.height - h) // 2
        image = image.crop((left, top, left + w, top + h))
    x = np.asarray(image).astype(np.float32) * config["rescale_factor"]
    x = (x - np.array(config["image_mean"], np.float32)) / np.array(config["image_std"], np.float32)
    return x.transpose(2, 0, 1)[None].astype(np.float32)


def vector(kind: str, session: ort.InferenceSession, x: np.ndarray) -> list[float]:
    half = session.get_inputs()[0].type == "tensor(float16)"
    names = [output.name for output in session.get_outputs()]
    given = dict(zip(names, session.run(None, {"pixel_values": x.astype(np.float16) if half else x})))
    chosen = {"clip": "image_embeds", "siglip": "pooler_output", "dinov2": "last_hidden_state"}[kind]
    values = given[chosen][:, 0] if kind == "dinov2" else given[chosen]
    values = values[0].astype(np.float64)
    return (values / np.linalg.norm(values)).tolist()


def main(out: str, pictures: list[str]) -> dict:
    result = {}
    for kind, processor in PROCESSORS.items():
        folder = Path(out) / kind
        stem = "model" if kind == "dinov2" else "vision_model"
        graphs = {"fp32": f"{stem}.onnx", "fp16": f"{stem}_fp16.onnx", "q8": f"{stem}_quantized.onnx"}
        files = {dtype: folder / "onnx" / file for dtype, file in graphs.items()}
        vision(kind, files["fp32"])
        vision(kind, files["fp16"], half=True)
        quantize_dynamic(files["fp32"], files["q8"], weight_type=QuantType.QUInt8, op_types_to_quantize=["MatMul"])
        if kind != "dinov2":
            text(folder / "onnx" / "text_model.onnx")
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
        (folder / "config.json").write_text(json.dumps(CONFIGS[kind]))
        result[kind] = {}
        for dtype, file in files.items():
            session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
            result[kind][dtype] = [vector(kind, session, prepared(picture, processor)) for picture in pictures]
    return result
