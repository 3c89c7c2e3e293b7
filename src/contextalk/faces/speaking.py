"""Who speaks: agreement of each mouth's motion with the loudness of the sound. Simple, and it says so.

Loudness above the scene's own noise floor says *that* somebody speaks; each face's share of the mouth motion around
that moment says *who*. Somebody who chews while another speaks off-screen is taken for the speaker.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.records import Landmarks
from contextalk.core.time import SAMPLE_RATE_HZ

NOISE_PERCENTILE, SPEECH_PERCENTILE = 10.0, 95.0
LEAST_RANGE_DB = 6.0
"""Between noise floor and speech; a sound flatter than this (hum, music bed, silence) is no voice activity."""

SILENCE_DB = -60.0
MOTION_S = 0.3
"""Over which mouth motion is averaged: about a syllable to each side."""

LEAST_MOTION_PER_S = 0.15
"""Change of mouth opening (in distances of the outer eye corners) per second below which a mouth is at rest."""


def voice_activity(wave: NDArray[np.float32], times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """(F,) in [0, 1]: where the loudness around each time lies between the sound's noise floor and its speech level.

    Args:
        wave: (S,) mono at `SAMPLE_RATE_HZ`.
        times_s: (F,) times of the frames.
    """
    half = SAMPLE_RATE_HZ // 25
    energy = np.concatenate([[0.0], np.cumsum(wave.astype(np.float64) ** 2)])
    middle = np.rint(times_s * SAMPLE_RATE_HZ).astype(np.int64)
    low, high = np.clip(middle - half, 0, len(wave)), np.clip(middle + half, 0, len(wave))
    power = (energy[high] - energy[low]) / np.maximum(high - low, 1)
    loudness_db = 10 * np.log10(np.maximum(power, 1e-12))
    floor, top = np.percentile(loudness_db, [NOISE_PERCENTILE, SPEECH_PERCENTILE])
    floor = max(floor, SILENCE_DB)
    if top - floor < LEAST_RANGE_DB:
        return np.zeros(len(times_s), np.float32)
    # Full activity from half-way up: vowels are loud, and consonants between them are speech too.
    return np.clip((loudness_db - floor) / (top - floor) * 2 - 0.25, 0.0, 1.0).astype(np.float32)


def mouth_motion(landmarks: Landmarks) -> NDArray[np.float64]:
    """(F,) change of mouth opening per second, averaged over `MOTION_S`; 0 where the face is unseen."""
    opening = landmarks.mouth_open.astype(np.float64)
    if len(opening) < 2:
        return np.zeros(len(opening))
    rate = np.abs(np.gradient(opening, landmarks.times_s))
    seen = np.isfinite(rate)
    sigma = max(1.0, MOTION_S / float(np.median(np.diff(landmarks.times_s))))
    weight = gaussian_filter1d(seen.astype(np.float64), sigma)
    mean = gaussian_filter1d(np.where(seen, rate, 0.0), sigma) / np.maximum(weight, 1e-6)
    return np.where(landmarks.valid, mean, 0.0)


def speaking(people: Sequence[Landmarks], wave: NDArray[np.float32] | None) -> list[NDArray[np.float32]]:
    """For each person (F,) in [0, 1]: voice activity times their share of the mouth motion.

    Args:
        people: Of one scene, same frames.
        wave: Mono at `SAMPLE_RATE_HZ`; None where the scene has no sound, and then nobody speaks.
    """
    if not people or wave is None or not len(wave):
        return [np.zeros(len(person), np.float32) for person in people]
    motion = np.stack([mouth_motion(person) for person in people])
    # A mouth at rest has no part in it; the constant keeps the share of a faint mover small.
    active = np.maximum(motion - LEAST_MOTION_PER_S, 0.0)
    share = active / (active.sum(axis=0) + LEAST_MOTION_PER_S)
    return list((share * voice_activity(wave, people[0].times_s)).astype(np.float32))
