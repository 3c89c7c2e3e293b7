"""Mouths as judges see them: a grey square that follows the nose, so that how it is cut tells nothing of the lips."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from contextalk.core.geometry import Points

VIEW_PX = 48
"""Side of a view."""

_SIDE_CROP_PX = 96.0
"""Side of the square in crop px: nose base to chin, and both cheeks."""

_BELOW_NOSE_CROP_PX = 22.0
"""From the nose's base to the square's middle: about where a closed mouth is."""

_NOSE_BASE = 33
_SMOOTHING_FRAMES = 13

LONGEST_GAP = 25
"""Frames without a face that are bridged; SyncNet's tracker allows as many."""


def bridge_gaps(points: Points) -> Points | None:
    """Points (F, 68, 2) with unseen frames (NaN) interpolated, held at the ends.

    Returns:
        None where no frame is seen or `LONGEST_GAP` frames in a row are exceeded: there is no track then.
    """
    seen = np.isfinite(points).all(axis=(1, 2))
    if not seen.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate([[True], seen, [True]]).astype(np.int8)))
    if np.diff(edges)[::2].max(initial=0) > LONGEST_GAP:
        return None
    at, known = np.arange(len(points)), np.flatnonzero(seen)
    columns = points[seen].reshape(len(known), -1).T
    bridged = np.stack([np.interp(at, known, column) for column in columns], axis=1)
    return bridged.reshape(points.shape).astype(np.float32)


def mouth_views(heads: NDArray[np.uint8], points: Points) -> NDArray[np.uint8]:
    """(F, 48, 48) grey, 2 crop px a pixel.

    The square hangs below the nose's base, smoothed by a median over half a second: a still mouth stays still in it,
    whatever the jaw's points say.

    Args:
        heads: (F, 256, 256, 3) head crops.
        points: (F, 68, 2) crop px, finite, read off these heads.
    """
    return np.stack([mouth_view(head, corner) for head, corner in zip(heads, mouth_corners(points), strict=True)])


def mouth_corners(points: Points) -> NDArray[np.float32]:
    """(F, 2) left upper corner of each frame's square, crop px; `points` as `mouth_views` takes them."""
    nose = median_filter(points[:, _NOSE_BASE], size=(_SMOOTHING_FRAMES, 1), mode="nearest")
    return nose + np.array([0.0, _BELOW_NOSE_CROP_PX]) - _SIDE_CROP_PX / 2


def mouth_view(head: NDArray[np.uint8], corner: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(48, 48) grey square of a head crop (256, 256, 3)."""
    scale = _SIDE_CROP_PX / VIEW_PX
    # View px u ↔ crop px u · scale + corner; OpenCV counts from pixel centres, hence the halves.
    left, top = corner + 0.5 * scale - 0.5
    shift = np.array([[scale, 0, left], [0, scale, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grey = cv2.cvtColor(head, cv2.COLOR_RGB2GRAY)
    view = cv2.warpAffine(grey, shift, (VIEW_PX, VIEW_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(view, np.uint8)
