"""Makes speech.json: the vectors of the built-in model for sounds, by onnxruntime and numpy, as openWakeWord computes them.

    python make_speech.py <folder with melspectrogram.onnx and embedding_model.onnx> > speech.json

The sounds are 16-bit samples at 16 kHz: tones as round(8000 * sin), and noise by the generator below.
"""
import json
import math
import sys

import numpy
import onnxruntime

RATE = 16000
mel = onnxruntime.InferenceSession(f"{sys.argv[1]}/melspectrogram.onnx")
embedding = onnxruntime.InferenceSession(f"{sys.argv[1]}/embedding_model.onnx")


def tone(hertz, seconds):
    return [math.floor(8000 * math.sin(2 * math.pi * hertz * i / RATE) + 0.5) for i in range(int(RATE * seconds))]


def noise(seconds):
    state, samples = 1, []
    for _ in range(int(RATE * seconds)):
        state = (state * 1103515245 + 12345) % 2**31
        samples.append(state // 2**15 % 16001 - 8000)
    return samples


def vector(samples):
    while len(samples) < 12512:
        samples = (samples + samples)[:12512]
    spectrum = mel.run(None, {"input": numpy.array([samples], numpy.float32)})[0].reshape(-1, 32) / 10 + 2
    windows = [spectrum[at : at + 76] for at in range(0, len(spectrum) - 75, 8)]
    rows = embedding.run(None, {"input_1": numpy.stack(windows)[..., None].astype(numpy.float32)})[0].reshape(-1, 96)
    mean = rows.astype(numpy.float64).mean(axis=0)
    return [round(float(value), 7) for value in mean / numpy.linalg.norm(mean)]


sounds = {
    "tone 440 Hz, 3 s": tone(440, 3),
    "tone 445 Hz, 3 s": tone(445, 3),
    "tone 2000 Hz, 3 s": tone(2000, 3),
    "noise, 2 s": noise(2),
    "noise, 0.25 s": noise(0.25),
}
json.dump({name: vector(samples) for name, samples in sounds.items()}, sys.stdout)
print()
