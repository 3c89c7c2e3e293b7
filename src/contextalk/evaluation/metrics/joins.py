"""Whether the face jumps where one window ends and the next begins."""

import numpy as np
from numpy.typing import NDArray

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.metrics import Column

COLUMNS = {
    "join jerk": Column(
        unit="",
        better="nearer to the truth",
        says="mean absolute second difference of the points at window joins over the same inside windows; 1 is no jump",
        needs="a window join and frames inside windows, with a face",
    )
}


def measure(evidence: Evidence) -> dict[str, float]:
    """The column of one clip."""
    points = evidence.seen.points
    jerk = np.abs(points[2:] - 2 * points[1:-1] + points[:-2]).mean(axis=(1, 2))
    known, at_join = centres(evidence)
    known &= found(points)[2:] & found(points)[1:-1] & found(points)[:-2]
    joined, inside = jerk[known & at_join], jerk[known & ~at_join]
    if not len(joined) or not len(inside) or inside.mean() == 0:
        return {"join jerk": float("nan")}
    return {"join jerk": float(joined.mean() / inside.mean())}


def centres(evidence: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the frames 1 … F−2 are the middle of three of one span, and of which the three lie in two windows."""
    window = evidence.window
    # A step into window 0 is a cut or a start, not a join.
    steps_on = (window[1:] >= 0) & (window[:-1] >= 0) & (window[1:] >= window[:-1])
    crosses = window[1:] != window[:-1]
    return steps_on[1:] & steps_on[:-1], crosses[1:] | crosses[:-1]
