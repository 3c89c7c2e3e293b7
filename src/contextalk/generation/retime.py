"""Landmarks at 25 Hz, or of any file, at the scene's own frame times."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import NUM_POINTS, Landmarks, Scene
from contextalk.core.time import RATE_HZ, nearest_frames
from contextalk.generation.plan import GRID_SLACK_S, Span

_HELD_S = 1 / RATE_HZ
"""How long the first row is held before itself, and the last one after: the 25 Hz instants of a span end that early."""


def to_scene_times(landmarks: Landmarks, scene: Scene, spans: Sequence[Span]) -> Landmarks:
    """One row per scene frame; each span is interpolated from its own rows alone.

    Invalid are frames outside spans and those that the rows do not cover: more than a frame of 25 Hz before the first
    or after the last row of their span, or in a gap between rows, farther from both than rows are from each other.
    """
    frames = len(scene.times_s)
    rows = Landmarks(
        points=np.full((frames, NUM_POINTS, 2), np.nan, np.float32),
        pupils=np.full((frames, 2, 2), np.nan, np.float32),
        head_pose=np.full((frames, 3), np.nan, np.float32),
        valid=np.zeros(frames, bool),
        times_s=scene.times_s,
        size_px=scene.size_px,
    )
    apart_s = float(np.median(np.diff(landmarks.times_s))) if len(landmarks) > 1 else 0.0
    for span in spans:
        own = _rows_of(landmarks, scene, span)
        frames_s = scene.times_s[span.start : span.stop]
        where = span.start + np.flatnonzero(_covered(own.times_s, frames_s, apart_s))
        if not len(where):
            continue
        found = own.at(scene.times_s[where])
        for name in ("points", "pupils", "head_pose", "valid"):
            getattr(rows, name)[where] = getattr(found, name)
    return rows


def check_replayable(landmarks: Landmarks, scene: Scene) -> Landmarks:
    """The landmarks, if they are of this scene.

    Raises:
        ContextalkError: Another size, no rows, times that do not increase, or valid rows without points.
    """
    if landmarks.size_px != scene.size_px:
        seen, wanted = ("x".join(map(str, size)) for size in (landmarks.size_px, scene.size_px))
        raise ContextalkError(f"the landmarks are for a {seen} scene, wanted the scene's {wanted}")
    if not landmarks.valid.any():
        raise ContextalkError("the landmarks show no face in any row, wanted at least one")
    if not np.isfinite(landmarks.times_s).all() or (np.diff(landmarks.times_s) <= 0).any():
        raise ContextalkError("the landmarks' times_s are not finite and increasing, wanted both")
    if np.isnan(landmarks.points[landmarks.valid]).any():
        raise ContextalkError("the landmarks have NaN points in rows that are valid, wanted numbers there")
    return landmarks


def _covered(rows_s: NDArray[np.float64], frames_s: NDArray[np.float64], apart_s: float) -> NDArray[np.bool_]:
    """Which frames rows speak for; `apart_s` is how far rows are from each other where there is no gap."""
    if not len(rows_s):
        return np.zeros(len(frames_s), bool)
    between = (frames_s >= rows_s[0]) & (frames_s <= rows_s[-1])
    reach_s = np.where(between, max(apart_s, _HELD_S), _HELD_S)
    return np.abs(rows_s[nearest_frames(rows_s, frames_s)] - frames_s) <= reach_s + GRID_SLACK_S


def _rows_of(landmarks: Landmarks, scene: Scene, span: Span) -> Landmarks:
    """The rows of a span's time; of a span that lies between two rows the nearest one, if it is near enough."""
    start_s, last_s = scene.times_s[span.start], scene.times_s[span.stop - 1]
    times = landmarks.times_s
    inside = np.flatnonzero((times >= start_s - GRID_SLACK_S) & (times <= last_s + GRID_SLACK_S))
    if len(inside):
        return landmarks[int(inside[0]) : int(inside[-1]) + 1]
    nearest = int(np.argmin(np.abs(times - start_s)))
    return landmarks[nearest : nearest + 1] if abs(times[nearest] - start_s) <= _HELD_S else landmarks[:0]
