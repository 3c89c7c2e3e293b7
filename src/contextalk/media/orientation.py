"""From the picture as displayed back to the planes as stored: rotation, and pixels that are not square."""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.media.source import SourceFormat

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels; x1 and y1 are outside."""


def stored_to_display(source_format: SourceFormat) -> NDArray[np.float64]:
    """Affine map (2, 3) from stored px to scene px; both count from the corner, pixel centres at +0.5.

    A picture is put straight into stored planes by composing this with its own placing in scene px.
    """
    width, height = source_format.square_px
    stretch = width / source_format.stored_px[0]
    turned = {
        0: [[stretch, 0, 0], [0, 1, 0]],
        90: [[0, -1, height], [stretch, 0, 0]],
        180: [[-stretch, 0, width], [0, -1, height]],
        270: [[0, 1, 0], [-stretch, 0, width]],
    }
    return np.array(turned[source_format.rotation_deg], np.float64)


def stored_box(box_px: Box, source_format: SourceFormat) -> Box:
    """The smallest box of whole chroma samples, in stored px, that covers a box of scene px, cut at the edge."""
    matrix = stored_to_display(source_format)
    corners = np.array([box_px[:2], box_px[2:]], np.float64)
    points = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    # 1e-9 of a pixel is rounding of the inverse, not a reason for one more column.
    low, high = np.floor(points.min(axis=0) + 1e-9), np.ceil(points.max(axis=0) - 1e-9)
    shrink = np.array(source_format.colour.shrink)
    low = np.maximum(0, low // shrink * shrink)
    high = np.minimum(source_format.stored_px, -(-high // shrink) * shrink)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def to_stored(picture: NDArray[np.uint8], source_format: SourceFormat, *, hard: bool = False) -> NDArray[np.uint8]:
    """A whole displayed picture (H, W) or (H, W, C) turned and squeezed to the stored size.

    Args:
        picture: Of the size `source_format.size_px`.
        source_format: Where it goes.
        hard: Take the nearest pixel (a mask stays 0 or 255) instead of averaging.
    """
    upright = np.ascontiguousarray(np.rot90(picture, source_format.rotation_deg // 90))
    if source_format.stored_px == source_format.square_px:
        return upright
    widens = source_format.stored_px[0] > source_format.square_px[0]
    smooth = cv2.INTER_LINEAR if widens else cv2.INTER_AREA
    how = cv2.INTER_NEAREST_EXACT if hard else smooth
    return cv2.resize(upright, source_format.stored_px, interpolation=how).astype(np.uint8, copy=False)
