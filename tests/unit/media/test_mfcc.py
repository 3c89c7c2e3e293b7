"""Cepstra against a second calculation by sums alone, and where they come from."""

import math

import numpy as np
import pytest

from contextalk.media.mfcc import mel_filters, mfcc

RNG = np.random.default_rng(0)


def by_sums(samples: list[float]) -> list[float]:
    """13 cepstra of one frame of 400 pre-emphasised 16-bit samples: the definition, sum by sum."""
    bins = np.arange(257)
    phase = np.exp(-2j * np.pi * np.outer(bins, np.arange(400)) / 512)
    power = np.abs(phase @ np.array(samples)) ** 2 / 512
    edges = [700 * (10 ** (2595 * math.log10(1 + 8000 / 700) * k / 27 / 2595) - 1) for k in range(28)]
    edges = [math.floor(513 * edge / 16000) for edge in edges]
    logs = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        rising = sum(power[i] * (i - low) / (centre - low) for i in range(low, centre))
        falling = sum(power[i] * (high - i) / (high - centre) for i in range(centre, high))
        logs.append(math.log(rising + falling))
    cepstra = []
    for n in range(13):
        scale = math.sqrt((1 if n == 0 else 2) / 26) * (1 + 11 * math.sin(math.pi * n / 22))
        cepstra.append(scale * sum(value * math.cos(math.pi * n * (2 * k + 1) / 52) for k, value in enumerate(logs)))
    return [math.log(power.sum()), *cepstra[1:]]


def test_a_frame_is_what_its_definition_says() -> None:
    whole = np.rint(RNG.normal(0, 3000, 720))
    emphasised = whole[1:] - 0.97 * whole[:-1]
    seen = mfcc((whole / 32768).astype(np.float32))
    assert seen.shape == (3, 13)
    # Frame 2 begins at sample 320. Float32 rounds numbers up to 100 by 4e-6.
    np.testing.assert_allclose(seen[2], by_sums(list(emphasised[319:719])), atol=2e-5)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (16000, 99)])
def test_frames_cover_every_sample(samples: int, frames: int) -> None:
    assert mfcc(np.zeros(samples, np.float32)).shape == (frames, 13)


def test_silence_is_finite_and_loudness_is_the_first_cepstrum() -> None:
    assert np.isfinite(mfcc(np.zeros(1600, np.float32))).all()
    quiet = RNG.normal(0, 0.01, 16000).astype(np.float32)
    difference = mfcc(8 * quiet)[:, 0] - mfcc(quiet)[:, 0]
    # Eight times as loud is log 64 more energy; 16-bit rounding of a deviation of 328 steps changes it by 1e-3.
    np.testing.assert_allclose(difference, math.log(64), atol=2e-3)


def test_filters_share_every_bin_between_them() -> None:
    # Between the first and the last centre, falling and rising edges of neighbours add up to 1.
    sums = mel_filters().sum(axis=0)
    centres = mel_filters().argmax(axis=1)
    np.testing.assert_allclose(sums[centres[0] : centres[-1]], 1.0, atol=1e-12)
