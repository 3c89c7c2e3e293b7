"""Squares of faces as published networks of mouths and voices were shown them."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import medfilt

from contextalk.core.geometry import Points

SQUARE_PX = 224
SPEAKER_PX = 112
"""Of a square's middle, which networks of active speakers look at: from the brows to below the chin."""

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
    return np.stack([face_square(rgb, box) for rgb, box in zip(scenes, face_boxes(points), strict=True)])


def face_boxes(points: Points) -> NDArray[np.float64]:
    """(F, 3) centre x, centre y and half the longer side of a face's box, scene px, each a median over half a second.

    Args:
        points: (F, 68, 2) scene px, finite; half a second at least, for the median takes what is beyond the ends for 0.
    """
    low, high = points.min(axis=1).astype(np.float64), points.max(axis=1).astype(np.float64)
    low[:, 1] -= HAIRLINE * (high[:, 1] - low[:, 1])
    half = (high - low).max(axis=1, keepdims=True) / 2
    boxes = np.concatenate([(low + high) / 2, half], axis=1)
    return np.stack([medfilt(column, _SMOOTHING_FRAMES) for column in boxes.T], axis=1)


def face_square(rgb: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(224, 224, 3) RGB square around one of `face_boxes`; grey beyond the picture."""
    x, y, half = box.tolist()
    margin = int(half * (1 + 2 * BELOW_CHIN))
    wide = np.pad(rgb, ((margin, margin), (margin, margin), (0, 0)), constant_values=PADDING_GREY)
    x, y = x + margin, y + margin
    top, bottom = int(y - half), int(y + half * (1 + 2 * BELOW_CHIN))
    left, right = int(x - half * (1 + BELOW_CHIN)), int(x + half * (1 + BELOW_CHIN))
    cut = wide[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if not cut.size:
        return np.full((SQUARE_PX, SQUARE_PX, 3), PADDING_GREY, np.uint8)
    return np.asarray(cv2.resize(cut, (SQUARE_PX, SQUARE_PX)), np.uint8)


def speaker_view(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(112, 112) grey middle of a `face_square`, as Light-ASD is shown faces (and TalkNet before it)."""
    edge = (SQUARE_PX - SPEAKER_PX) // 2
    grey = np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8)
    return grey[edge : edge + SPEAKER_PX, edge : edge + SPEAKER_PX]
