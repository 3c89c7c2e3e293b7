"""Landmarks at 25 Hz, or of any file, at the scene's own frame times."""

from collections.abc import Sequence

import numpy as np

from contextalk.core.errors import ContextalkError
from contextalk.core.records import NUM_POINTS, Landmarks, Scene
from contextalk.core.time import RATE_HZ
from contextalk.generation.plan import GRID_SLACK_S, Span


def to_scene_times(landmarks: Landmarks, scene: Scene, spans: Sequence[Span]) -> Landmarks:
    """One row per scene frame; each span is interpolated from its own rows alone, frames outside spans are invalid.

    Raises:
        ContextalkError: A span has no row within a frame of 25 Hz.
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
    for span in spans:
        where = slice(span.start, span.stop)
        found = _rows_of(landmarks, scene, span).at(scene.times_s[where])
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


def _rows_of(landmarks: Landmarks, scene: Scene, span: Span) -> Landmarks:
    start_s, last_s = scene.times_s[span.start], scene.times_s[span.stop - 1]
    times = landmarks.times_s
    inside = np.flatnonzero((times >= start_s - GRID_SLACK_S) & (times <= last_s + GRID_SLACK_S))
    if not len(inside):
        # A span shorter than the rows' distance may lie between two of them.
        nearest = int(np.argmin(np.abs(times - start_s)))
        if abs(times[nearest] - start_s) > 1 / RATE_HZ:
            raise ContextalkError(
                f"the landmarks have no row between {start_s:.2f} and {last_s:.2f} s (theirs: {times[0]:.2f} to "
                f"{times[-1]:.2f} s), wanted one for each stretch to regenerate"
            )
        inside = np.array([nearest])
    return landmarks[int(inside[0]) : int(inside[-1]) + 1]
