"""Blinks: neither sound nor scene tells when, so that stage 1, which draws what they tell, draws none."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks

_PHASES_S, _CLOSED = (0.0, 0.08, 0.14, 0.28), (0.0, 1.0, 1.0, 0.0)
"""Shut in 0.08 s, shut for 0.06 s, open in 0.14 s."""

_SHORTEST_INTERVAL = 0.4
"""Of the mean interval; the rest of an interval is exponential."""

_UPPER, _LOWER = np.array([37, 38, 43, 44]), np.array([41, 40, 47, 46])

_MEET = 0.1
"""Where lids meet, from the lower one: it hardly moves."""


def add_blinks(landmarks: Landmarks, per_minute: float, seed: Sequence[int]) -> Landmarks:
    """Landmarks whose lids close now and then.

    Args:
        landmarks: At any times; only lids (points 37–47 but the corners) are changed.
        per_minute: Blinks a minute, ≥ 0; 0 leaves all as it is. People blink 10 to 20 times.
        seed: Numbers that decide when: of run, target and sound. Blinks are at the same times wherever a span begins.
    """
    if per_minute == 0 or not len(landmarks):
        return landmarks
    closed = closures(landmarks.times_s, per_minute, seed)[:, None, None]
    upper, lower = landmarks.points[:, _UPPER], landmarks.points[:, _LOWER]
    meet = lower + _MEET * (upper - lower)
    points = landmarks.points.copy()
    points[:, _UPPER] = upper + closed * (meet - upper)
    points[:, _LOWER] = lower + closed * (meet - lower)
    return replace(landmarks, points=points)


def closures(times_s: NDArray[np.float64], per_minute: float, seed: Sequence[int]) -> NDArray[np.float32]:
    """How far the eyes are closed at (F,) times, in [0, 1]."""
    rng = np.random.default_rng(seed)
    mean_s = 60 / per_minute
    closed = np.zeros(len(times_s))
    at_s = rng.uniform(0, mean_s)
    while at_s < times_s[-1]:
        closed = np.maximum(closed, np.interp(times_s - at_s, _PHASES_S, _CLOSED))
        at_s += mean_s * (_SHORTEST_INTERVAL + rng.exponential(1 - _SHORTEST_INTERVAL))
    return closed.astype(np.float32)
