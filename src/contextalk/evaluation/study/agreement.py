"""How far raters agree beyond chance: Krippendorff's alpha."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(scores: NDArray[np.floating], level: Level = "ordinal") -> float:
    """1 − D_o / D_e: 1 is full agreement, 0 chance, below 0 systematic disagreement (Krippendorff 2004, Ch. 11).

    Args:
        scores: (raters, units), NaN where a rater gave none; units with fewer than two scores do not count.
        level: How two scores differ. `ordinal`: by the squared number of scores between them, in all units.

    Returns:
        NaN where nothing can be said: no unit with two scores, or one value throughout.
    """
    values = np.unique(scores[np.isfinite(scores)])
    if len(values) < 2:
        return float("nan")
    coincidences = _coincidences(scores, values)
    margins = coincidences.sum(axis=1)
    total = margins.sum()
    if np.count_nonzero(margins) < 2:
        return float("nan")
    difference = _differences(values, margins, level)
    observed = (coincidences * difference).sum()
    expected = (np.outer(margins, margins) * difference).sum() / (total - 1)
    return float(1 - observed / expected)


def _coincidences(scores: NDArray[np.floating], values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(V, V): pairs of scores of different raters in one unit, each unit weighing as many as it has scores."""
    counts = np.stack([(scores == value).sum(axis=0) for value in values]).astype(np.float64)  # (V, units)
    rated = counts.sum(axis=0)
    counts, rated = counts[:, rated > 1], rated[rated > 1]
    return (counts / (rated - 1)) @ counts.T - np.diag((counts / (rated - 1)).sum(axis=1))


def _differences(values: NDArray[np.floating], margins: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """(V, V) squared differences δ²."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return (values[:, None] - values) ** 2
    # Σ n_g from c to k less half of both ends: the difference of mid-ranks.
    ranks = np.cumsum(margins) - margins / 2
    return (ranks[:, None] - ranks) ** 2
