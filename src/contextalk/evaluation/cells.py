"""A figure of a method over its clips, with its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
SEED = 0
"""Of the bootstrap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure of a method over its clips.

    Attributes:
        mean: Over the clips that were measured; NaN without any.
        low: Lower end of the 95 % interval of the mean (percentile bootstrap over clips); NaN for fewer than two clips
            or an infinite figure.
        high: Upper end.
        count: Clips (or pairs of twins) measured.
        missing: Clips not measured.
        why: What the clips that were not measured lack; empty if none.
    """

    mean: float
    low: float
    high: float
    count: int
    missing: int
    why: str


def summarise(values: Sequence[float], why: str) -> Cell:
    """Mean, interval and counts of a figure over clips; NaN is not measured.

    Args:
        values: One a clip.
        why: What a clip lacks whose value is NaN.
    """
    known = np.array([value for value in values if not np.isnan(value)], np.float64)
    low, high = bootstrap_interval(known) if len(known) > 1 and np.isfinite(known).all() else (float("nan"),) * 2
    missing = len(values) - len(known)
    return Cell(
        mean=float(known.mean()) if len(known) else float("nan"),
        low=low,
        high=high,
        count=len(known),
        missing=missing,
        why=why if missing or not len(values) else "",
    )


def bootstrap_interval(values: NDArray[np.float64] | Sequence[float], seed: int = SEED) -> tuple[float, float]:
    """95 % interval of the mean of finite values (percentile bootstrap, 2000 draws)."""
    known = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).choice(known, size=(DRAWS, len(known)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
