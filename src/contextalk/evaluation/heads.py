"""Figures of a head: how open its mouth is, which way it faces, how near it is to the truth."""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.faces.crop import head_mask


def mouth_opening(points: Points) -> NDArray[np.float32]:
    """(F,) inner-lip gap over the distance of the outer eye corners; points (F, 68, 2) in any px."""
    gap = np.linalg.norm(points[:, 62] - points[:, 66], axis=-1)
    return (gap / np.linalg.norm(points[:, 36] - points[:, 45], axis=-1)).astype(np.float32)


def mouth_correlation(generated: Points, truth: Points, speaking: NDArray[np.bool_]) -> float:
    """Pearson's r of mouth opening over speaking frames; 0 where the generated mouth does not move at all.

    Raises:
        ValueError: Fewer than ten speaking frames, or a truth that does not move: r means nothing there.
    """
    seen, wanted = mouth_opening(generated)[speaking], mouth_opening(truth)[speaking]
    if len(wanted) < 10 or wanted.std() < 1e-6:
        raise ValueError(
            f"{len(wanted)} speaking frames with a mouth spread of {wanted.std():.3g}: nothing to correlate"
        )
    if seen.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(seen, wanted)[0, 1])


def facing(points: Points) -> NDArray[np.float32]:
    """(F,) how far the nose stands to image right of the jaw's middle, over the jaw's width: about the sine of yaw."""
    left, right, nose = points[:, 0, 0], points[:, 16, 0], points[:, 30, 0]
    return ((nose - (left + right) / 2) / np.maximum(right - left, 1.0)).astype(np.float32)


def masked_psnr(generated: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """PSNR in dB of head crops (F, 256, 256, 3), inside the fixed mask alone; infinite for equal pictures."""
    inside = head_mask().astype(bool)
    squared = (generated[:, inside].astype(np.float64) - truth[:, inside].astype(np.float64)) ** 2
    error = squared.mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def bootstrap_interval(values: list[float], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over clips (percentile bootstrap, 2000 draws)."""
    drawn = np.random.default_rng(seed).choice(np.asarray(values, np.float64), size=(2000, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
