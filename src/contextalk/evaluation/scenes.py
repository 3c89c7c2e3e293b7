"""Whole scenes as a method shows them: from its video, or, for a fake, the real scene with the fake's head laid in."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX
from contextalk.evaluation.evidence import Evidence
from contextalk.faces.crop import scene_mask
from contextalk.media.video import read_at

Picture = NDArray[np.uint8]


def shown_scenes(evidence: Evidence, frames: NDArray[np.int64]) -> Iterator[Picture]:
    """(H, W, 3) RGB scenes at frames that do not decrease.

    A fake's head is blended into the true crop already, so it is laid in sharply, inside the mask alone.
    """
    times_s = evidence.times_s[frames]
    if evidence.video is not None:
        yield from read_at(evidence.video, times_s)
        return
    for frame, rgb in zip(frames.tolist(), read_at(evidence.reference, times_s), strict=True):
        centre, side = evidence.crop.centre_px[frame], float(evidence.crop.side_px[frame])
        yield lay_head(rgb, evidence.seen.heads[frame], centre, side)


def lay_head(rgb: Picture, head: Picture, centre_px: NDArray[np.floating], side_px: float) -> Picture:
    """A head crop (256, 256, 3) back in its square of a scene (H, W, 3), inside the fixed mask."""
    inside = scene_mask((rgb.shape[1], rgb.shape[0]), centre_px, side_px) > 0
    return np.where(inside[..., None], lay_square(rgb, head, centre_px, side_px), rgb).astype(np.uint8)


def lay_square(rgb: Picture, head: Picture, centre_px: NDArray[np.floating], side_px: float) -> Picture:
    """A head crop back in its square of a scene, the whole square."""
    shrunk = min(1.0, side_px / CROP_PX)
    # Fewer scene px than crop px: low-pass first, or the crop's texture aliases.
    source = head if shrunk == 1.0 else cv2.resize(head, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    scale = np.array(source.shape[1::-1]) / side_px
    # scene px → px of the square; OpenCV counts from pixel centres, hence the halves.
    start = (0.5 - np.asarray(centre_px, np.float64) + side_px / 2) * scale - 0.5
    to_square = np.array([[scale[0], 0.0, start[0]], [0.0, scale[1], start[1]]])
    laid = rgb.copy()
    # Only pixels whose centres lie in the square are reached; a transparent border leaves the others.
    cv2.warpAffine(
        source,
        to_square,
        (rgb.shape[1], rgb.shape[0]),
        dst=laid,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    return laid
