"""Where the points of the face are, and whether the mouth opens when the true one does.

Points are compared with the exact ones where those are known, so that the ground truth's row shows the estimator's own
error; else with the points read off the true head.
"""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.core.records import mouth_opening
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import eye_distance, found
from contextalk.evaluation.metrics import Column

_SAVED = "landmarks saved beside the generated video"

COLUMNS = {
    "landmark distance": Column(
        unit="%",
        better="lower",
        says="mean distance of the 68 points read off the pixels from the true ones, of the outer-eye distance",
    ),
    "mouth distance": Column(unit="%", better="lower", says="as landmark distance, points 48–67 alone"),
    "mouth r": Column(
        unit="",
        better="higher",
        says="Pearson's r of mouth opening read off the pixels with the true one while speaking; 0 for a mouth that "
        "does not move at all",
        needs="ten frames with a face in which the target speaks and the true mouth moves",
    ),
    "landmark distance, saved": Column(
        unit="%", better="lower", says="as landmark distance, of the landmarks saved beside the video", needs=_SAVED
    ),
    "mouth distance, saved": Column(
        unit="%", better="lower", says="as mouth distance, of the landmarks saved beside the video", needs=_SAVED
    ),
    "mouth r, saved": Column(
        unit="", better="higher", says="as mouth r, of the landmarks saved beside the video", needs=_SAVED
    ),
}

LEAST_SPEAKING = 10
"""Frames; an r of fewer means nothing."""

LEAST_SPREAD = 1e-6
"""Standard deviation of mouth opening below which a mouth does not move."""


def measure(evidence: Evidence) -> dict[str, float]:
    """The columns of one clip."""
    figures = _figures(evidence.seen.points, evidence)
    points = None if evidence.saved is None else saved_points(evidence)
    saved = dict.fromkeys(figures, float("nan")) if points is None else _figures(points, evidence)
    return figures | {f"{name}, saved": value for name, value in saved.items()}


def saved_points(evidence: Evidence) -> Points:
    """(F, 68, 2) crop px of the saved landmarks, NaN where they are invalid."""
    assert evidence.saved is not None
    points = evidence.crop.to_crop(evidence.saved.points)
    return np.where(evidence.saved.valid[:, None, None], points, np.float32(np.nan))


def mouth_correlation(generated: Points, truth: Points, speaking: NDArray[np.bool_]) -> float:
    """Pearson's r of mouth opening over speaking frames with a face in both.

    Returns:
        0 where the generated mouth does not move at all; NaN for fewer than ten frames or a truth that does not move.
    """
    frames = speaking & found(generated) & found(truth)
    seen, wanted = mouth_opening(generated)[frames], mouth_opening(truth)[frames]
    if len(wanted) < LEAST_SPEAKING or wanted.std() < LEAST_SPREAD:
        return float("nan")
    if seen.std() < LEAST_SPREAD:
        return 0.0
    return float(np.corrcoef(seen, wanted)[0, 1])


def _figures(points: Points, evidence: Evidence) -> dict[str, float]:
    wanted = evidence.wanted
    frames = evidence.generated & found(points) & found(wanted)
    apart = np.linalg.norm(points[frames] - wanted[frames], axis=-1) / eye_distance(wanted[frames])[:, None]
    return {
        "landmark distance": 100 * _mean(apart),
        "mouth distance": 100 * _mean(apart[:, 48:]),
        "mouth r": mouth_correlation(points, wanted, evidence.speaking & evidence.generated),
    }


def _mean(values: NDArray[np.floating]) -> float:
    return float(values.mean()) if values.size else float("nan")
