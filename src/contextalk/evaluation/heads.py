"""What several figures of a head share: how open its mouth and eyes are, and which way it faces."""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points


def eye_distance(points: Points) -> NDArray[np.float32]:
    """(F,) distance of the outer eye corners, in the points' own px."""
    return np.linalg.norm(points[:, 36] - points[:, 45], axis=-1).astype(np.float32)


def eye_aspect_ratio(points: Points) -> NDArray[np.float32]:
    """(F,) height over width of the eyes' outlines, mean of both eyes (Soukupová and Čech 2016, Eq. 1)."""
    ratios = []
    for outer, upper_1, upper_2, inner, lower_2, lower_1 in (range(36, 42), range(42, 48)):
        height = np.linalg.norm(points[:, upper_1] - points[:, lower_1], axis=-1)
        height = height + np.linalg.norm(points[:, upper_2] - points[:, lower_2], axis=-1)
        ratios.append(height / (2 * np.linalg.norm(points[:, outer] - points[:, inner], axis=-1)))
    return np.mean(ratios, axis=0).astype(np.float32)


def facing(points: Points) -> NDArray[np.float32]:
    """(F,) how far the nose stands to image right of the jaw's middle, over the jaw's width: about the sine of yaw."""
    left, right, nose = points[:, 0, 0], points[:, 16, 0], points[:, 30, 0]
    return ((nose - (left + right) / 2) / np.maximum(right - left, 1.0)).astype(np.float32)


def found(points: Points) -> NDArray[np.bool_]:
    """(F,) whether a face was found: no NaN among the frame's points."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)), np.bool_)
