"""Who speaks, by default: agreement of each mouth's motion with the loudness of the sound. Simple, and it says so.

Loudness above the scene's own noise floor says *that* somebody speaks; each face's share of the mouth motion around
that moment says *who*. Somebody who chews while another speaks off-screen is taken for the speaker. Networks that look
and listen are plug-ins (`active_speaker.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.records import Landmarks
from contextalk.core.time import SAMPLE_RATE_HZ
from contextalk.media.waves import regroup_blocks

MOUTH_MOTION = "mouth-motion-2"
"""Name and version of `speaking`, as an analysis has it."""

NOISE_PERCENTILE, SPEECH_PERCENTILE = 10.0, 95.0
LEAST_RANGE_DB = 6.0
"""Between noise floor and speech; a sound flatter than this (hum, music bed, silence) is no voice activity."""

SILENCE_DB = -60.0
SURE = 0.5
"""From this sureness on a frame counts as spoken."""

MOTION_S = 0.3
"""Over which mouth motion is averaged: about a syllable to each side."""

LEAST_MOTION_PER_S = 0.15
"""Change of mouth opening (in distances of the outer eye corners) per second below which a mouth is at rest."""

_FAINT_PER_S = 0.02
"""Beyond that: a mouth that moves by no more is at most half sure to be the one that speaks."""

_BLOCK_SAMPLES = 60 * SAMPLE_RATE_HZ
"""What is summed at once."""


def voice_activity(wave: Iterable[NDArray[np.float32]], times_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """(F,) in [0, 1]: where the loudness around each time lies between the sound's noise floor and its speech level.

    Args:
        wave: Blocks of mono samples at `SAMPLE_RATE_HZ`; a minute of them is held.
        times_s: (F,) times of the frames.
    """
    half = SAMPLE_RATE_HZ // 25
    middle = np.rint(times_s * SAMPLE_RATE_HZ).astype(np.int64)
    ends = np.maximum([middle - half, middle + half], 0)
    energy, samples = _energy_before(wave, ends)
    low, high = np.minimum(ends, samples)
    power = (energy[1] - energy[0]) / np.maximum(high - low, 1)
    loudness_db = 10 * np.log10(np.maximum(power, 1e-12))
    floor, top = np.percentile(loudness_db, [NOISE_PERCENTILE, SPEECH_PERCENTILE])
    floor = max(floor, SILENCE_DB)
    if top - floor < LEAST_RANGE_DB:
        return np.zeros(len(times_s), np.float32)
    # Full activity from half-way up: vowels are loud, and consonants between them are speech too.
    return np.clip((loudness_db - floor) / (top - floor) * 2 - 0.25, 0.0, 1.0).astype(np.float32)


def _energy_before(wave: Iterable[NDArray[np.float32]], ends: NDArray[np.int64]) -> tuple[NDArray[np.float64], int]:
    """Sum of the squares of all samples before each of `ends`, and how many samples there are."""
    energy, total, samples = np.zeros(ends.shape), 0.0, 0
    for block in regroup_blocks(wave, _BLOCK_SAMPLES):
        sums = np.concatenate([[0.0], np.cumsum(np.square(block, dtype=np.float64))])
        inside = (ends >= samples) & (ends < samples + len(block))
        energy[inside] = total + sums[ends[inside] - samples]
        total, samples = total + float(sums[-1]), samples + len(block)
    energy[ends >= samples] = total
    return energy, samples


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


def speaking(people: Sequence[Landmarks], voice: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """For each person (F,) in [0, 1]: voice activity times their share of the mouth motion.

    Args:
        people: Of one scene, same frames.
        voice: (F,) in [0, 1], whether anybody is heard; zeros where the scene has no sound.
    """
    if not people:
        return []
    active = _active(people)
    share = active / (active.sum(axis=0) + _FAINT_PER_S)
    return list((share * voice).astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is heard beside one person who is seen to speak.

    Attributes:
        off_screen: (F,) a voice, and nobody in the picture acts.
        overlapping: (F,) a voice, and two or more act.
    """

    off_screen: NDArray[np.bool_]
    overlapping: NDArray[np.bool_]


def heard(acting: Sequence[NDArray[np.bool_]], voice: NDArray[np.float32]) -> Heard:
    """Tell apart voices that belong to nobody seen, and people who speak at once.

    Args:
        acting: For each person (F,): of `moving_mouths`, or whom a plug-in is sure of.
        voice: As `speaking` takes it.
    """
    speech = voice > SURE
    count = sum(acting, start=np.zeros(len(voice), np.int64))
    return Heard(off_screen=speech & (count == 0), overlapping=speech & (count >= 2))


def moving_mouths(people: Sequence[Landmarks]) -> list[NDArray[np.bool_]]:
    """For each person (F,) whether their mouth moves; a listener who chews or laughs acts too."""
    return list(_active(people) > 0) if people else []


def _active(people: Sequence[Landmarks]) -> NDArray[np.float64]:
    """(people, F) mouth motion beyond that of a mouth at rest."""
    return np.maximum(np.stack([mouth_motion(person) for person in people]) - LEAST_MOTION_PER_S, 0.0)
