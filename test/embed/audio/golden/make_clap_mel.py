"""Makes clap-mel.json: spectra by transformers' audio_utils (5.23.0), called as ClapFeatureExtractor calls them with the
settings of laion/clap-htsat-unfused. (The extractor itself wants PyTorch, which its computation does not use.)

    pip install numpy transformers; python make_clap_mel.py > clap-mel.json

The sounds: 16-bit samples at 48 kHz, floor(32767 * x + 0.5) of the formulas below. Of each spectrum [1001, 64] every 50th
frame is kept.
"""
import json
import math
import sys

import numpy
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

RATE = 48000
SAMPLES = 480000
filters = mel_filter_bank(
    num_frequency_bins=513, num_mel_filters=64, min_frequency=50, max_frequency=14000, sampling_rate=RATE,
    norm="slaney", mel_scale="slaney",
)


def noise():
    state = 1
    while True:
        state = (state * 1103515245 + 12345) % 2**31
        yield (state // 2**15 % 65536) / 32768 - 1


def sound(seconds):
    rough = noise()
    for i in range(int(RATE * seconds)):
        t = i / RATE
        chirp = math.sin(2 * math.pi * (100 * t + 400 * t * t))
        yield 0.4 * chirp * (1 + math.sin(2 * math.pi * 3 * t)) / 2 + 0.01 * next(rough)


def spectrum(seconds):
    samples = [math.floor(32767 * value + 0.5) / 32768 for value in sound(seconds)]
    samples = numpy.tile(numpy.array(samples, numpy.float64), SAMPLES // len(samples))
    samples = numpy.pad(samples, (0, SAMPLES - len(samples)))
    frames = spectrogram(
        samples, window_function(1024, "hann"), frame_length=1024, hop_length=480, power=2.0, mel_filters=filters,
        log_mel="dB",
    ).T
    assert frames.shape == (1001, 64)
    return [[round(float(value), 4) for value in frame] for frame in frames[::50]]


json.dump({str(seconds): spectrum(seconds) for seconds in (10, 3)}, sys.stdout)
print()
