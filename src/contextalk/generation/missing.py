"""Frames without the target's face: `--on-missing-face`."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import TargetError
from contextalk.core.records import Landmarks, MissingFace, Shot


def frames_to_generate(
    valid: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    times_s: NDArray[np.float64],
    shots: Sequence[Shot],
    policy: MissingFace,
) -> NDArray[np.bool_]:
    """Which frames get a head. A shot without the face is never touched: there is no place for one.

    Args:
        valid: (F,) whether the face is seen.
        wanted: (F,) frames the user asked for.
        times_s: (F,) for the message.
        shots: Tile the frames.
        policy: `error` refuses any wanted frame without a face; `passthrough` leaves those alone.

    Raises:
        TargetError: A face is missing and the policy is `error`.
    """
    missing = np.flatnonzero(wanted & ~valid)
    if policy == "error" and len(missing):
        raise TargetError(
            f"the target has no face in {len(missing)} of {int(wanted.sum())} frames, first at "
            f"{times_s[missing[0]]:.2f} s; wanted one in each (on-missing-face is error)"
        )
    if policy == "passthrough":
        return wanted & valid
    present = np.zeros(len(valid), bool)
    for shot in shots:
        present[shot.start : shot.stop] = valid[shot.start : shot.stop].any()
    return wanted & present


def fill_missing(landmarks: Landmarks, shots: Sequence[Shot], policy: MissingFace) -> Landmarks:
    """Rows without a face from the others of the shot.

    `hold`: the last one before, at a shot's start the first one after; `interpolate`: linearly between both. Other
    policies change nothing.

    Args:
        landmarks: One row per frame.
        shots: Tile the frames; a shot without a face stays as it is.
        policy: What the user chose.
    """
    if policy not in ("hold", "interpolate"):
        return landmarks
    rows = {name: getattr(landmarks, name).copy() for name in ("points", "pupils", "head_pose", "valid")}
    for shot in shots:
        span = slice(shot.start, shot.stop)
        seen = np.flatnonzero(landmarks.valid[span])
        if 0 < len(seen) < shot.stop - shot.start:
            times = landmarks.times_s[span]
            kept = _take(landmarks, seen + shot.start)
            at = times if policy == "interpolate" else _held_times(times, seen)
            filled = kept.at(at)
            for name, values in rows.items():
                values[span] = getattr(filled, name)
    return replace(landmarks, **rows)


def _held_times(times_s: NDArray[np.float64], seen: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each frame the time of the last one seen up to it."""
    last = np.maximum(np.searchsorted(seen, np.arange(len(times_s)), side="right") - 1, 0)
    return times_s[seen[last]]


def _take(landmarks: Landmarks, rows: NDArray[np.int64]) -> Landmarks:
    return replace(
        landmarks,
        points=landmarks.points[rows],
        pupils=landmarks.pupils[rows],
        head_pose=landmarks.head_pose[rows],
        valid=landmarks.valid[rows],
        times_s=landmarks.times_s[rows],
    )
