"""What the codec takes from a head that is known, given back to the head that is generated.

A codec of 16×16 cells keeps neither hair strands nor the rim of an iris. Of the bent identity the fine structure is
known, and where the generated head looks as the bent one does through the same codec, it is the right one. So is what
the scene shows of it beyond the crop's 256 pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]

LIKENESS = 20.0
"""Difference, root mean square over R, G, B of 0…255, at which the detail has faded to 1/e (docs/log.md)."""

_BLUR_PX = 3.0
"""Standard deviation of what counts as the neighbourhood of a pixel: an edge moved by a px or two is no likeness."""


def restore_detail(heads: Pictures, known: Pictures, coded: Pictures) -> Pictures:
    """Heads with the known head's detail, as far as they are alike.

    Args:
        heads: (F, 256, 256, 3) as decoded.
        known: (F, 256, 256, 3), the bent identity.
        coded: (F, 256, 256, 3), the same, encoded and decoded.

    Returns:
        (F, 256, 256, 3): `heads + w (known − coded)` with w = exp(−(‖heads − coded‖ / LIKENESS)²).
    """
    restored = np.empty_like(heads)
    for index, (head, whole, lossy) in enumerate(zip(heads, known, coded, strict=True)):
        drawn, seen = head.astype(np.float32), lossy.astype(np.float32)
        restored[index] = _rounded(drawn + _likeness(drawn, seen)[..., None] * (whole.astype(np.float32) - seen))
    return restored


def refine(heads: Pictures, bent: Pictures, fine: Pictures) -> Pictures:
    """Heads at the scene's own resolution: what the crop took from the bent identity, as far as they are alike.

    Args:
        heads: (F, 256, 256, 3).
        bent: (F, 256, 256, 3), the bent identity.
        fine: (F, S, S, 3), the same from the scene's own pixels.

    Returns:
        (F, S, S, 3): `up(heads) + up(w) (fine − up(bent))`, w as in `restore_detail`.
    """
    size = fine.shape[2], fine.shape[1]
    refined = np.empty_like(fine)
    for index, (head, coarse, whole) in enumerate(zip(heads, bent, fine, strict=True)):
        drawn, seen = head.astype(np.float32), coarse.astype(np.float32)
        weight = cv2.resize(_likeness(drawn, seen), size, interpolation=cv2.INTER_LINEAR)[..., None]
        large, known = (cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC) for picture in (drawn, seen))
        refined[index] = _rounded(large + weight * (whole.astype(np.float32) - known))
    return refined


def _likeness(one: Floats, other: Floats) -> Floats:
    """Of (256, 256, 3) pictures in 0…255: w, (256, 256)."""
    apart = np.sqrt(np.square(one - other).mean(axis=-1))
    return np.exp(-np.square(cv2.GaussianBlur(apart, (0, 0), _BLUR_PX) / LIKENESS))


def _rounded(picture: Floats) -> Pictures:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
