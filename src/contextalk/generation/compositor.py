"""The generated head into the source's own planes; a sample outside the mask keeps its value, bit for bit."""

from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX
from contextalk.media.colour import rgb_to_planes
from contextalk.media.planes import writable_planes
from contextalk.media.source import SourceFormat

FEATHER_SHARE = 0.06
"""Width of the blend inside the mask, in sides of the crop."""

KEPT_FEATHER_SHARE = 0.02
"""Width of the blend around what is in front of the head: a finger is thinner than the blend at the mask's border."""

RING_CROP_PX = 9
"""Width of the band just outside the mask where the scene's colour and the head's are compared."""

JOIN_SIGMA_CROP_PX = 28.0
"""How far a colour difference at the border reaches."""

OTHER_PICTURE = 35.0
"""Of 255, root mean square over R, G, B: a greater difference is another picture rather than another colour."""

ENOUGH_RING = 0.3
"""Share of the ring that must show the same picture, for its mean to be carried inwards in full."""

FAR_WEIGHT = 0.03
"""Of the ring's mean against its blurred presence, about 0.2 at the border itself: far inside the mean alone counts."""

_JOIN_SHRINK = 4
_RING_SHAPE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RING_CROP_PX + 1,) * 2)

Mask = NDArray[np.uint8]
Picture = NDArray[np.uint8]


def composite(
    frame: VideoFrame,
    source: SourceFormat,
    mask: Mask,
    head: NDArray[Any],
    centre_px: NDArray[np.floating],
    side_px: float,
    kept: Mask | None = None,
) -> None:
    """Lay a head into a stored picture, in place.

    Inside the mask the head's weight rises from 0 at the border to 1 over `FEATHER_SHARE` of the side, and around what
    is kept over `KEPT_FEATHER_SHARE`. A chroma sample belongs to the mask only where all of its luma places do.

    Args:
        frame: Planar, stored orientation; its planes are written.
        source: How the picture is stored and shown.
        mask: (H, W) in scene px, 255 = regenerate, else 0.
        head: (S, S, 3) RGB in [0, 255], the whole crop, its colours already joined.
        centre_px: (2,) of the crop, scene px.
        side_px: Of the crop, scene px.
        kept: (H, W), 255 where the mask is to be left alone besides; None: nowhere.
    """
    stored = stored_mask(mask, source)
    box = _box(stored, source.colour.shrink)
    if box is None:
        return
    left, top, right, bottom = box
    alpha = feather(stored[top:bottom, left:right], FEATHER_SHARE * side_px)
    if kept is not None:
        free = stored_mask(np.bitwise_not(kept), source)[top:bottom, left:right]
        alpha = np.minimum(alpha, feather(free, KEPT_FEATHER_SHARE * side_px))
    patch = _lay(head, source, centre_px, side_px, box)
    for index, (plane, values) in enumerate(
        zip(writable_planes(frame), rgb_to_planes(patch, source.colour), strict=True)
    ):
        x, y = source.colour.shrink if index > 0 else (1, 1)
        weight = _chroma_weight(alpha, x, y)
        rows, columns = slice(top // y, top // y + weight.shape[0]), slice(left // x, left // x + weight.shape[1])
        _blend(plane[rows, columns], values, weight)


def join_colour(head: Picture, scene_crop: Picture, mask_crop: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The head with the scene's colour at the border of the mask.

    The difference between scene and head is read in a ring just outside the mask, where both show the same thing, and
    spread inwards by a normalised convolution, so that the middle of the head takes the ring's mean shift and each part
    of the border its own.

    Args:
        head: (S, S, 3) as generated, the whole crop, S ≥ 256.
        scene_crop: (256, 256, 3), the same square of the scene.
        mask_crop: (256, 256), true inside.

    Returns:
        (S, S, 3) float32 in [0, 255].
    """
    ring = (cv2.dilate(mask_crop.astype(np.uint8), _RING_SHAPE) > 0) & ~mask_crop
    if not ring.any():
        return head.astype(np.float32)
    seen = cv2.resize(head, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA) if len(head) > CROP_PX else head
    difference = scene_crop.astype(np.float32) - seen
    weight = ring * np.exp(-np.square(np.square(difference).mean(axis=-1) / OTHER_PICTURE**2))
    size, sigma = (CROP_PX // _JOIN_SHRINK,) * 2, JOIN_SIGMA_CROP_PX / _JOIN_SHRINK
    small, small_weight = (
        cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (difference * weight[..., None], weight)
    )
    spread, share = cv2.GaussianBlur(small, (0, 0), sigma), cv2.GaussianBlur(small_weight, (0, 0), sigma)
    known = float(weight.sum() / ring.sum())
    mean = min(1.0, known / ENOUGH_RING) * small.sum(axis=(0, 1)) / max(float(small_weight.sum()), 1e-6)
    offset = (spread + FAR_WEIGHT * mean) / (share + FAR_WEIGHT)[..., None]
    return np.clip(head + cv2.resize(offset, head.shape[1::-1], interpolation=cv2.INTER_CUBIC), 0, 255)


def stored_mask(mask: Mask, source: SourceFormat) -> Mask:
    """A mask in scene px as the planes are stored: a sample is inside only if all of it was.

    Args:
        mask: (H, W), 255 or 0, display orientation.
        source: How the picture is stored.
    """
    turned = np.ascontiguousarray(np.rot90(mask, source.rotation_deg // 90))
    if turned.shape[1::-1] == source.stored_px:
        return turned
    scaled = cv2.resize(turned, source.stored_px, interpolation=cv2.INTER_LINEAR)
    return np.where(scaled == 255, np.uint8(255), np.uint8(0))


def feather(mask: Mask, width_px: float) -> NDArray[np.float32]:
    """Weights in [0, 1]: 0 outside, smoothly up to 1 at `width_px` inside. A picture's edge is no border."""
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    share = np.clip(distance / max(width_px, 1.0), 0.0, 1.0)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def stored_to_display(source: SourceFormat) -> NDArray[np.float64]:
    """(2, 3) affine from stored px to scene px, pixel centres at +0.5 in both."""
    (stored_width, _), (width, height) = source.stored_px, source.square_px
    stretch = width / stored_width
    return {
        0: np.array([[stretch, 0.0, 0.0], [0.0, 1.0, 0.0]]),
        90: np.array([[0.0, -1.0, height], [stretch, 0.0, 0.0]]),
        180: np.array([[-stretch, 0.0, width], [0.0, -1.0, height]]),
        270: np.array([[0.0, 1.0, 0.0], [-stretch, 0.0, width]]),
    }[source.rotation_deg]


def _lay(
    head: NDArray[Any],
    source: SourceFormat,
    centre_px: NDArray[np.floating],
    side_px: float,
    box: tuple[int, int, int, int],
) -> NDArray[np.float32]:
    """The head resampled to the stored px of a box."""
    left, top, right, bottom = box
    size = min(len(head), max(2, round(side_px)))
    head = head.astype(np.float32)
    if size < len(head):
        head = cv2.resize(head, (size, size), interpolation=cv2.INTER_AREA)
    scale = size / side_px
    to_display = stored_to_display(source)
    matrix = to_display[:, :2] * scale
    start = to_display @ np.array([left + 0.5, top + 0.5, 1.0])
    # OpenCV counts from pixel centres on both sides: the halves are in `start` and in the 0.5 taken off.
    offset = (start - centre_px) * scale + size / 2 - 0.5
    warp = np.concatenate([matrix, offset[:, None]], axis=1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(head, warp, (right - left, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(patch, 0, 255).astype(np.float32)


def _box(mask: Mask, shrink: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom around the mask with a pixel to spare, beginning on chroma samples."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    left, top = (max(0, int(first[0]) - 1) // step * step for first, step in zip((columns, rows), shrink, strict=True))
    right, bottom = (min(size, int(last[-1]) + 2) for last, size in zip((columns, rows), mask.shape[::-1], strict=True))
    right, bottom = (
        min(size, -(-end // step) * step)
        for end, step, size in zip((right, bottom), shrink, mask.shape[::-1], strict=True)
    )
    return left, top, right, bottom


def _chroma_weight(alpha: NDArray[np.float32], x: int, y: int) -> NDArray[np.float32]:
    """Weights of samples that stand for x by y luma places; 0 where any of those is outside the mask."""
    if (x, y) == (1, 1):
        return alpha
    height, width = alpha.shape
    padded = np.pad(alpha, ((0, -height % y), (0, -width % x)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // y, y, padded.shape[1] // x, x)
    return blocks.mean(axis=(1, 3)) * (blocks.min(axis=(1, 3)) > 0)


def _blend(plane: NDArray[Any], values: NDArray[Any], weight: NDArray[np.float32]) -> None:
    inside = weight > 0
    kept, new, share = plane[inside].astype(np.float32), values[inside].astype(np.float32), weight[inside]
    plane[inside] = np.rint(kept + (new - kept) * share).astype(plane.dtype)
