"""What the codec takes from a head that is known, given back to the head that is generated.

A codec of 16×16 cells keeps neither hair strands nor the rim of an iris. Of the bent identity the fine structure is
known, and where the generated head looks as the bent one does through the same codec, it is the right one.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

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
        apart = np.sqrt(np.square(drawn - seen).mean(axis=-1))
        weight = np.exp(-np.square(cv2.GaussianBlur(apart, (0, 0), _BLUR_PX) / LIKENESS))
        detailed = drawn + weight[..., None] * (whole.astype(np.float32) - seen)
        restored[index] = np.clip(np.rint(detailed), 0, 255).astype(np.uint8)
    return restored
