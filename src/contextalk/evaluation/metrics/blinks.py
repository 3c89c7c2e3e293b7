"""How often the eyes close."""

import numpy as np
from numpy.typing import NDArray

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import eye_aspect_ratio, found
from contextalk.evaluation.metrics import Column

COLUMNS = {
    "blinks": Column(
        unit="1/min",
        better="nearer to the truth",
        says="closings of the eyes per minute, by the eye aspect ratio against the clip's own median; "
        "a still head has none",
    )
}

CLOSED, OPEN = 0.55, 0.75
"""Of the clip's median eye aspect ratio: a closing begins below the first and ends above the second."""


def measure(evidence: Evidence) -> dict[str, float]:
    """The column of one clip."""
    frames = np.flatnonzero(evidence.generated & found(evidence.seen.points))
    if not len(frames):
        return {"blinks": float("nan")}
    frame_s = float(np.median(np.diff(evidence.times_s))) if len(evidence.times_s) > 1 else 1 / 25
    minutes = len(frames) * frame_s / 60
    return {"blinks": count_closings(eye_aspect_ratio(evidence.seen.points[frames])) / minutes}


def count_closings(ratio: NDArray[np.floating]) -> int:
    """How often eyes of aspect ratios (F,) close and open again, or stay closed to the end."""
    usual = float(np.median(ratio))
    count, closed = 0, False
    for value in ratio:
        if not closed and value < CLOSED * usual:
            count, closed = count + 1, True
        elif closed and value > OPEN * usual:
            closed = False
    return count
