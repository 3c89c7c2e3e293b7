"""Whether the mouth rests while nobody should hear the target."""

import numpy as np

from contextalk.core.records import mouth_opening
from contextalk.core.time import RATE_HZ
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.metrics import Column

COLUMNS = {
    "silent mouth motion": Column(
        unit="%",
        better="nearer to the truth",
        says="mean absolute change of mouth opening (of the outer-eye distance) per 1/25 s while the target is silent; "
        "a still head has none but the estimator's noise",
        needs="ten pairs of silent frames with a face",
    )
}

LEAST_PAIRS = 10


def measure(evidence: Evidence) -> dict[str, float]:
    """The column of one clip."""
    points = evidence.seen.points
    silent = ~evidence.speaking & found(points) & evidence.generated
    pairs = silent[1:] & silent[:-1]
    if pairs.sum() < LEAST_PAIRS:
        return {"silent mouth motion": float("nan")}
    change = np.diff(mouth_opening(points)) / (np.diff(evidence.times_s) * RATE_HZ)
    # Not the standard deviation: one frame misread by the estimator outweighs all others in it.
    return {"silent mouth motion": float(100 * np.abs(change[pairs]).mean())}
