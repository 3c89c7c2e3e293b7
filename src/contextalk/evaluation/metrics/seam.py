"""Whether the border of the mask shows, and whether anything beyond it was touched."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.fidelity import luma
from contextalk.faces.crop import head_mask, scene_mask
from contextalk.generation.compositor import FEATHER_SHARE, stored_mask
from contextalk.media.planes import bit_depth, plane_views
from contextalk.media.source import SourceFormat, inspect_source, open_source

_NO_USER_MASK = "a generated video made without --mask"

COLUMNS = {
    "seam": Column(
        unit="",
        better="nearer to the truth",
        says="mean luma gradient across the mask's border, from 2 px outside to the end of the blend, over the real "
        "video's there; above 1 an edge shows, below 1 the blend blurs",
        needs=_NO_USER_MASK,
    ),
    "changed outside": Column(
        unit="samples",
        better="lower",
        says="samples outside the mask that differ from the real video's, on decoded planes of a lossless output; "
        "must be 0",
        needs="a lossless generated video in the scene's pixel format, made without --mask",
    ),
    "difference outside, lossy": Column(
        unit="levels",
        better="lower",
        says="mean absolute difference of samples outside the mask, in 8-bit levels, where the output is compressed",
        needs="a compressed generated video in the scene's pixel format, made without --mask",
    ),
}

BAND_OUTSIDE_CROP_PX, BAND_INSIDE_CROP_PX = 2.0, FEATHER_SHARE * CROP_PX
"""On both sides of the border."""

ROUNDING_PX = 0.01
"""Added to the side of the square: the report rounds it, and a sample so near the border is left out."""

Planes = tuple[NDArray[Any], ...]


def measure(evidence: Evidence) -> dict[str, float]:
    """The columns of one clip."""
    figures = dict.fromkeys(COLUMNS, float("nan"))
    if evidence.user_mask:
        return figures
    figures["seam"] = _seam(evidence)
    if evidence.video is not None:
        source, output = inspect_source(evidence.reference), inspect_source(evidence.video)
        if _comparable(source.format, output.format):
            changed, difference = _outside(evidence, evidence.video, source.format)
            figures |= {"changed outside": changed} if evidence.lossless else {"difference outside, lossy": difference}
    return figures


def _seam(evidence: Evidence) -> float:
    frames = np.flatnonzero(evidence.generated)
    seen, truth = (
        sum(_across(heads[frame]) for frame in frames) for heads in (evidence.seen.heads, evidence.truth.heads)
    )
    return float(seen / truth) if truth > 0 else float("nan")


def _across(head: NDArray[np.uint8]) -> float:
    """Mean absolute luma gradient along the border's normal over the band, levels per px."""
    down, along = np.gradient(luma(head))
    return float(np.abs(along * _NORMAL_X + down * _NORMAL_Y)[_BAND].mean())


def _border() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Unit normal (x, y) of the mask's border wherever the band is, and the band."""
    mask = head_mask().astype(np.uint8)
    inside, outside = (np.asarray(cv2.distanceTransform(side, cv2.DIST_L2, 5)) for side in (mask, 1 - mask))
    signed = inside - outside
    down, along = np.gradient(signed)
    length = np.maximum(np.hypot(along, down), 1e-6)
    band = (signed <= BAND_INSIDE_CROP_PX) & (signed >= -BAND_OUTSIDE_CROP_PX)
    return (along / length).astype(np.float32), (down / length).astype(np.float32), band


_NORMAL_X, _NORMAL_Y, _BAND = _border()


def _comparable(source: SourceFormat, output: SourceFormat) -> bool:
    return source.stored_px == output.stored_px and source.colour.pix_fmt == output.colour.pix_fmt


def _outside(evidence: Evidence, video: Path, source: SourceFormat) -> tuple[float, float]:
    """How many samples outside the mask differ, and their mean absolute difference in 8-bit levels."""
    levels = 2.0 ** (bit_depth(source.colour.pix_fmt) - 8)
    changed, total, samples = 0, 0.0, 0
    for kept, real, made in zip(
        _kept(evidence, source), open_source(evidence.reference), open_source(video), strict=True
    ):
        for outside, a, b in zip(kept, plane_views(real.frame), plane_views(made.frame), strict=True):
            apart = np.abs(a[outside].astype(np.int32) - b[outside].astype(np.int32))
            changed += int(np.count_nonzero(apart))
            total += float(apart.sum())
            samples += apart.size
    return float(changed), total / levels / samples if samples else float("nan")


def _kept(evidence: Evidence, source: SourceFormat) -> Iterator[tuple[NDArray[np.bool_], ...]]:
    """For each frame, which samples of each plane lie outside the mask; a frame that was not generated is all outside.

    A chroma sample is outside as soon as one of its luma places is, as in the compositor.
    """
    for frame, generated in enumerate(evidence.generated):
        side = float(evidence.crop.side_px[frame]) + ROUNDING_PX
        mask = stored_mask(scene_mask(source.size_px, evidence.crop.centre_px[frame], side), source)
        outside = np.asarray((mask == 0) | (not generated), np.bool_)
        x, y = source.colour.shrink
        height, width = outside.shape
        padded = np.pad(outside, ((0, -height % y), (0, -width % x)), mode="edge")
        blocks = padded.reshape(padded.shape[0] // y, y, padded.shape[1] // x, x)
        chroma = np.asarray(blocks.any(axis=(1, 3)), np.bool_)
        yield (outside, *(() if source.colour.pix_fmt.startswith("gray") else (chroma, chroma)))
