"""Mel-frequency cepstra as the published SyncNet hears them: the defaults of python_speech_features 0.6."""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

RATE_HZ = 16000
FRAME, HOP = 400, 160
"""Samples: 25 ms every 10 ms."""

N_FFT = 512
NUM_FILTERS, NUM_CEPSTRA = 26, 13
PRE_EMPHASIS = 0.97
LIFTER = 22
FULL_SCALE = 32768
"""The published network was trained on 16-bit samples, not on fractions: its first cepstrum is a log energy."""


def mfcc(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cepstra of a whole recording.

    Args:
        wave: (S,) mono at `RATE_HZ`, in [−1, 1], at least one sample.

    Returns:
        (T, 13) at 100 Hz; T = 1 + ⌈(S − 400) / 160⌉, the last frame continued by zeros. Column 0 is the log energy.
    """
    samples = np.clip(np.rint(wave.astype(np.float64) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    emphasised = np.append(samples[0], samples[1:] - PRE_EMPHASIS * samples[:-1])
    count = 1 + max(0, -(-(len(samples) - FRAME) // HOP))
    padded = np.pad(emphasised, (0, (count - 1) * HOP + FRAME - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]
    power = np.abs(np.fft.rfft(frames, N_FFT)) ** 2 / N_FFT
    # Digital silence has no logarithm; the published code puts the smallest float64 step there.
    floor = np.finfo(np.float64).eps
    energy = power.sum(axis=1)
    bands = power @ mel_filters().T
    logs = np.log(np.where(bands == 0, floor, bands))
    cepstra = np.asarray(dct(logs, type=2, axis=1, norm="ortho"))[:, :NUM_CEPSTRA]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(NUM_CEPSTRA) / LIFTER)
    cepstra[:, 0] = np.log(np.where(energy == 0, floor, energy))
    return cepstra.astype(np.float32)


@functools.cache
def mel_filters() -> NDArray[np.float64]:
    """(26, 257) triangles of height 1 between bins that are rounded down, equally spaced in 2595·log10(1 + f/700)."""
    top_mel = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top_mel, NUM_FILTERS + 2) / 2595) - 1)
    edges = np.floor((N_FFT + 1) * edges_hz / RATE_HZ)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = np.arange(N_FFT // 2 + 1)
    rising = np.where((bins >= low) & (bins < centre), (bins - low) / np.maximum(centre - low, 1), 0.0)
    falling = np.where((bins >= centre) & (bins < high), (high - bins) / np.maximum(high - centre, 1), 0.0)
    return rising + falling
