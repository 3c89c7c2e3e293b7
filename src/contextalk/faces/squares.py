"""Squares of faces as published networks of mouths and voices were shown them."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import medfilt

from contextalk.core.geometry import Points

SQUARE_PX = 224
BELOW_CHIN = 0.4
"""SyncNet's crop scale: the square reaches 0.4 face sizes below the face and 0.2 to each side."""

PADDING_GREY = 110
_SMOOTHING_FRAMES = 13

HAIRLINE = 0.3
"""A detector's box begins above the brows; landmarks do not: by this share of the height from brows to chin."""


def face_squares(scenes: Iterable[NDArray[np.uint8]], points: Points) -> NDArray[np.uint8]:
    """(F, 224, 224, 3) RGB squares of a face as SyncNet's own pipeline cuts them.

    That pipeline detects a face box; ours is the box of the landmarks, raised to the hairline. It stores the squares
    twice as JPEG and MPEG-4; ours are not compressed.

    Args:
        scenes: F pictures (H, W, 3).
        points: (F, 68, 2) scene px, finite.
    """
    low, high = points.min(axis=1).astype(np.float64), points.max(axis=1).astype(np.float64)
    low[:, 1] -= HAIRLINE * (high[:, 1] - low[:, 1])
    half = medfilt((high - low).max(axis=1) / 2, _SMOOTHING_FRAMES)
    x, y = (medfilt(middle, _SMOOTHING_FRAMES) for middle in ((low + high) / 2).T)
    return np.stack([_square(*each) for each in zip(scenes, x, y, half, strict=True)])


def _square(rgb: NDArray[np.uint8], x: float, y: float, half: float) -> NDArray[np.uint8]:
    margin = int(half * (1 + 2 * BELOW_CHIN))
    wide = np.pad(rgb, ((margin, margin), (margin, margin), (0, 0)), constant_values=PADDING_GREY)
    x, y = x + margin, y + margin
    top, bottom = int(y - half), int(y + half * (1 + 2 * BELOW_CHIN))
    left, right = int(x - half * (1 + BELOW_CHIN)), int(x + half * (1 + BELOW_CHIN))
    cut = wide[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return np.asarray(cv2.resize(cut, (SQUARE_PX, SQUARE_PX)), np.uint8)
