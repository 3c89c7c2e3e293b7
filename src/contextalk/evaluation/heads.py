"""What several figures of a head share: how open its mouth and eyes are, and which way it faces."""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points


def eye_distance(points: Points) -> NDArray[np.float32]:
    """(F,) distance of the outer eye corners, in the points' own px."""
    return np.linalg.norm(points[:, 36] - points[:, 45], axis=-1).astype(np.float32)


def facing(points: Points) -> NDArray[np.float32]:
    """(F,) how far the nose stands to image right of the jaw's middle, over the jaw's width: about the sine of yaw."""
    left, right, nose = points[:, 0, 0], points[:, 16, 0], points[:, 30, 0]
    return ((nose - (left + right) / 2) / np.maximum(right - left, 1.0)).astype(np.float32)


def found(points: Points) -> NDArray[np.bool_]:
    """(F,) whether a face was found: no NaN among the frame's points."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)), np.bool_)
