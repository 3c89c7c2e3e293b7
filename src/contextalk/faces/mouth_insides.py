"""The inside of a mouth that no picture of the person shows, as stage 2 draws it: bent open, closed lips hold lips."""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.core.records import mouth_opening

Picture = NDArray[np.uint8]

OPENER = 1.4
"""A mouth this many times as open as the known one is lent all of another's inside, one no more open nothing."""

WIDE_ENOUGH = 0.06
"""Opening from which on teeth or tongue are seen: who never opens the mouth this far has no inside to lend."""

_CLOSED = 0.03
"""Opening of a mouth that is as good as closed."""

_INNER_LIPS = np.r_[60:68]

_SOFT_PX = 1.5
"""Crop px, standard deviation of the edge of what is lent: lips' inner rims are about as soft."""

_FRACTION_BITS = 4
"""Of OpenCV's coordinates."""


def lend_insides(heads: Picture, known: Points, wanted: Points, others: Picture) -> Picture:
    """Heads with the inside of others' mouths where theirs were known less open than wanted.

    Args:
        heads: (F, S, S, 3) head crops, S being 256 or larger, bent to `wanted`.
        known: (70, 2) crop px, where the points were before they were bent.
        wanted: (F, 70, 2) crop px.
        others: (F, S, S, 3), the same person at `wanted` with insides to show.

    Returns:
        (F, S, S, 3).
    """
    lent = heads.copy()
    for picture, other, face, share in zip(lent, others, wanted, inside_lacking(known, wanted), strict=True):
        if share > 0:
            weight = share * _inside_lips(face, len(picture))[..., None]
            picture[:] = np.rint(picture + weight * (other.astype(np.float32) - picture))
    return lent


def inside_lacking(known: Points, wanted: Points) -> NDArray[np.float32]:
    """(F,) 0…1: how much of a mouth's inside was not to be seen where it was known."""
    opening = mouth_opening(wanted) / max(float(mouth_opening(known)), _CLOSED)
    return np.clip((opening - 1) / (OPENER - 1), 0, 1).astype(np.float32)


def _inside_lips(points: Points, size: int) -> NDArray[np.float32]:
    """(size, size): 1 between the inner lips, 0 elsewhere, softly."""
    shape, finer = np.zeros((size, size), np.uint8), size / CROP_PX
    # OpenCV counts from pixel centres, crop px from edges.
    corners = np.rint((points[_INNER_LIPS] * finer - 0.5) * 2**_FRACTION_BITS).astype(np.int32)
    cv2.fillPoly(shape, [corners], (255,), cv2.LINE_AA, _FRACTION_BITS)
    return cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), _SOFT_PX * finer)  # pyright: ignore[reportReturnType]
