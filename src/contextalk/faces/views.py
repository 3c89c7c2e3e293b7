"""What the networks see of a scene: the head crop, its masked twin, and the whole scene with the target hidden."""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX
from contextalk.faces.crop import head_mask, inside_mask

GREY = 128
"""Fill of every mask."""

_HEAD_MASK = head_mask().astype(bool)

Picture = NDArray[np.uint8]


def head_crop(rgb: Picture, centre_px: NDArray[np.floating], side_px: float, size: int = CROP_PX) -> Picture:
    """The square of a head, resampled to (size, size, 3); beyond the scene's edge the edge goes on.

    Args:
        rgb: (H, W, 3) scene.
        centre_px: (2,) scene px.
        side_px: Scene px, > 0. Above `size` the scene is low-passed first, so that fine texture does not alias.
        size: 256 is what networks see.
    """
    scene_size, apron = rgb.shape[1::-1], _apron(side_px / size)
    low = np.floor(np.asarray(centre_px, np.float64) - side_px / 2).astype(int) - apron
    high = np.ceil(np.asarray(centre_px, np.float64) + side_px / 2).astype(int) + apron
    region, origin = _region(rgb, np.clip(low, 0, np.array(scene_size) - 1), np.clip(high, 1, scene_size))
    region, step = _shrink(region, side_px / size)
    # crop px u ↔ scene px (u − size/2)·side/size + centre; OpenCV counts from pixel centres, hence the halves.
    scale = side_px / size / step
    start = (np.asarray(centre_px, np.float64) - origin) / step + (0.5 - size / 2) * scale - 0.5
    to_region = np.array([[scale[0], 0.0, start[0]], [0.0, scale[1], start[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(region, to_region, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def masked_crop(head: Picture) -> Picture:
    """A head crop with the fixed mask filled mid-grey."""
    masked = head.copy()
    masked[_HEAD_MASK] = GREY
    return masked


def resized_scene(rgb: Picture) -> Picture:
    """The whole scene squeezed to (256, 256, 3), nothing hidden."""
    return np.asarray(cv2.resize(rgb, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA), np.uint8)


def scene_view(rgb: Picture, centre_px: NDArray[np.floating], side_px: float) -> Picture:
    """The whole scene squeezed to (256, 256, 3) with the target's mask filled mid-grey."""
    size_px = (rgb.shape[1], rgb.shape[0])
    return scene_view_from_resized(resized_scene(rgb), size_px, centre_px, side_px)


def scene_view_from_resized(
    view: Picture, size_px: tuple[int, int], centre_px: NDArray[np.floating], side_px: float
) -> Picture:
    """`scene_view` of a scene that is already squeezed to (256, 256, 3).

    A pixel of the view is hidden as soon as a corner of it lies in the mask, give or take half a scene pixel: its
    colour holds some of the target.
    """
    x = _cell_edges(size_px[0], centre_px[0], side_px)
    y = _cell_edges(size_px[1], centre_px[1], side_px)
    hidden = np.zeros((CROP_PX, CROP_PX), bool)
    for column in x:
        for row in y:
            hidden |= inside_mask(column[None], row[:, None])
    masked = view.copy()
    masked[hidden] = GREY
    return masked


def _cell_edges(scene_size: int, centre: float, side_px: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Lower and upper ends of the view's pixels along one axis, in crop px, half a scene pixel further out."""
    at = np.arange(CROP_PX + 1) * (scene_size / CROP_PX)
    lower, upper = ((end - centre) * (CROP_PX / side_px) + CROP_PX / 2 for end in (at[:-1] - 0.5, at[1:] + 0.5))
    return lower, upper


def _apron(step: float) -> int:
    """Scene px around the square that the filters reach for, at `step` scene px a px of the crop."""
    return 2 + int(np.ceil(step * 2))


def _region(rgb: Picture, low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[Picture, NDArray[np.int64]]:
    """The part of the scene between two corners; one pixel of it where the square lies wholly outside."""
    high = np.maximum(high, low + 1)
    return rgb[low[1] : high[1], low[0] : high[0]], low


def _shrink(region: Picture, step: float) -> tuple[Picture, NDArray[np.float64]]:
    """Low-pass and shrink by area to about one pixel per crop px of `step`; returns scene px per pixel, in x and y."""
    width, height = region.shape[1], region.shape[0]
    if step <= 1.0:
        return region, np.ones(2)
    target = (max(1, round(width / step)), max(1, round(height / step)))
    shrunk = np.asarray(cv2.resize(region, target, interpolation=cv2.INTER_AREA), np.uint8)
    return shrunk, np.array([width / target[0], height / target[1]])
