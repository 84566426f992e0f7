"""Makes a model with the interface of laion/clap-htsat-unfused (random weights, a small body) and embeds sounds with it.

`data`: {"folder": where the model goes, "sounds": lists of samples at 48 kHz}. `result`: a vector for each sound, from a
spectrum in float64 by numpy and from onnxruntime.
"""
import os

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

RATE, WINDOW, HOP, BANDS, SAMPLES = 48000, 1024, 480, 64, 480000
rng = numpy.random.default_rng(7)


def weights(name, *shape):
    values = rng.normal(0, (2 / numpy.prod(shape[1:] or shape)) ** 0.5, shape)
    return numpy_helper.from_array(values.astype(numpy.float32), name)


def save(path, inputs, outputs, nodes, tensors):
    graph = helper.make_graph(nodes, "clap", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def audio_model(path):
    """Patches, two convolutions with normalisation, a mean over time and frequency, and the projection with two layers."""
    node = helper.make_node
    nodes = [
        node("BatchNormalization", ["turned", "scale", "bias", "mean", "var"], ["normal"]),
        node("Transpose", ["input_features"], ["turned"], perm=[0, 3, 2, 1]),
        node("Transpose", ["normal"], ["back"], perm=[0, 3, 2, 1]),
        node("Conv", ["back", "patch"], ["patches"], strides=[4, 4], kernel_shape=[4, 4]),
        node("Erf", ["patches"], ["bent"]),
        node("Conv", ["bent", "deep"], ["deeper"], strides=[2, 2], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", ["deeper"], ["active"]),
        node("GlobalAveragePool", ["active"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"], axis=1),
        node("MatMul", ["flat", "linear1"], ["hidden"]),
        node("Relu", ["hidden"], ["hidden2"]),
        node("MatMul", ["hidden2", "linear2"], ["audio_embeds"]),
    ]
    nodes[0], nodes[1] = nodes[1], nodes[0]
    constant = lambda name, value: numpy_helper.from_array(numpy.full(BANDS, value, numpy.float32), name)
    tensors = [
        constant("scale", 1), constant("bias", 0), constant("mean", -40), constant("var", 400),
        weights("patch", 24, 1, 4, 4), weights("deep", 32, 24, 3, 3), weights("linear1", 32, 64), weights("linear2", 64, 512),
    ]
    value = helper.make_tensor_value_info
    inputs = [value("input_features", TensorProto.FLOAT, ["batch", 1, "frames", BANDS])]
    save(path, inputs, [value("audio_embeds", TensorProto.FLOAT, ["batch", 512])], nodes, tensors)


def spectrum(samples):
    samples = numpy.tile(numpy.array(samples, numpy.float64), SAMPLES // len(samples))
    samples = numpy.pad(numpy.pad(samples, (0, SAMPLES - len(samples))), WINDOW // 2, mode="reflect")
    hann = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(WINDOW) / WINDOW)
    frames = numpy.stack([samples[at : at + WINDOW] * hann for at in range(0, SAMPLES + 1, HOP)])
    power = numpy.abs(numpy.fft.rfft(frames)) ** 2
    step = numpy.log(6.4) / 27
    mel = lambda hertz: hertz * 3 / 200 if hertz < 1000 else 15 + numpy.log(hertz / 1000) / step
    hertz = lambda mel: mel * 200 / 3 if mel < 15 else 1000 * numpy.exp(step * (mel - 15))
    edges = [hertz(at) for at in numpy.linspace(mel(50), mel(14000), BANDS + 2)]
    bins = numpy.linspace(0, RATE / 2, WINDOW // 2 + 1)
    filters = [
        numpy.maximum(0, numpy.minimum((bins - low) / (mid - low), (high - bins) / (high - mid))) * 2 / (high - low)
        for low, mid, high in zip(edges, edges[1:], edges[2:])
    ]
    return 10 * numpy.log10(numpy.maximum(power @ numpy.array(filters).T, 1e-10))


os.makedirs(os.path.join(data["folder"], "onnx"))
path = os.path.join(data["folder"], "onnx", "audio_model.onnx")
audio_model(path)
session = onnxruntime.InferenceSession(path)
features = numpy.stack([spectrum(sound)[None] for sound in data["sounds"]]).astype(numpy.float32)
vectors = session.run(None, {"input_features": features})[0]
result = (vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)).tolist()
