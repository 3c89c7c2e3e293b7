"""Whether it is still the same person, by a plain descriptor that needs no published weights.

`faces/appearance.py` describes colours and edges of the levelled face. It tells apart a handful of people under one
light and is no face recognition: compare rows with it, not papers.
"""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.metrics import Column
from contextalk.faces.appearance import describe

COLUMNS = {
    "identity-own": Column(
        unit="",
        better="higher",
        says="cosine of the mean appearance descriptors (colours and edges, no face recognition) of the shown and the "
        "true head",
    )
}

LOOKS = 9
"""Frames looked at, spread evenly over those with a face."""


def measure(evidence: Evidence) -> dict[str, float]:
    """The column of one clip."""
    seen = mean_look(evidence.seen.heads, evidence.seen.points, evidence.generated)
    truth = mean_look(evidence.truth.heads, evidence.truth.points, evidence.generated)
    if seen is None or truth is None:
        return {"identity-own": float("nan")}
    return {"identity-own": float(seen @ truth)}


def mean_look(heads: NDArray[np.uint8], points: Points, wanted: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """Unit vector over a few frames; None without a face."""
    frames = np.flatnonzero(wanted & found(points))
    if not len(frames):
        return None
    chosen = frames[np.linspace(0, len(frames) - 1, min(LOOKS, len(frames))).round().astype(int)]
    mean = np.mean([describe(heads[frame], points[frame]) for frame in chosen], axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)
