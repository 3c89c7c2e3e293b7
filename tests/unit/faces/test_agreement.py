"""Mouth against loudness: the shift is found, sums add up, and what does not belong together does not agree."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.faces.agreement import NOTHING, REACH, agreement

Floats = NDArray[np.float64]


def syllables(seed: int, frames: int) -> Floats:
    """(F,) openings that come and go about four times a second, with pauses."""
    rng = np.random.default_rng(seed)
    fast = np.clip(gaussian_filter1d(rng.normal(size=frames), 1.5) * 4, 0, None)
    return fast * (gaussian_filter1d(rng.normal(size=frames), 12) > -0.05)


def heard(opening: Floats, late_frames: int, seed: int = 0) -> NDArray[np.float32]:
    """Noise as loud as the mouth is open, so many frames later."""
    frames = len(opening)
    level = np.interp(np.arange(frames * 640) / 640 - late_frames, np.arange(frames), opening)
    return (np.random.default_rng(seed).normal(size=frames * 640) * (0.002 + 0.1 * level)).astype(np.float32)


@pytest.mark.parametrize("late_frames", [-12, -3, 0, 1, 6, 15])
def test_the_shift_is_found(late_frames: int) -> None:
    opening = syllables(1, 500)
    found = agreement(opening, heard(opening, late_frames))
    assert found.offset_frames == late_frames
    # Loudness is the opening in decibels, so the correlation is high but not 1; other people's is measured below.
    assert found.strength > 0.6


def test_stretches_add_up_to_more_than_each() -> None:
    parts = [agreement(opening, heard(opening, 4, seed)) for seed in range(8) for opening in [syllables(seed, 75)]]
    total = sum(parts, NOTHING)
    assert total.frames == 600
    assert total.offset_frames == 4
    # A mean of correlations, weighted by how much goes on: between the least and the best.
    assert min(part.strength for part in parts) <= total.strength <= max(part.strength for part in parts)


def test_another_persons_sound_does_not_agree() -> None:
    strengths = [agreement(syllables(seed, 750), heard(syllables(seed + 100, 750), 0)).strength for seed in range(8)]
    assert max(strengths) < 0.3


@pytest.mark.parametrize("frames", [1, 5, 75])
def test_silence_and_shortness_agree_with_nothing(frames: int) -> None:
    still = agreement(np.full(frames, 0.1), np.zeros(frames * 640, np.float32))
    assert still.strength == 0.0
    assert still.curve.shape == (2 * REACH + 1,)
    assert agreement(syllables(0, frames), np.zeros(frames * 640, np.float32)).strength == 0.0
