"""Whether the border of the mask shows."""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.fidelity import luma
from contextalk.faces.crop import head_mask
from contextalk.generation.compositor import FEATHER_SHARE

COLUMNS = {
    "seam": Column(
        unit="",
        better="nearer to the truth",
        says="mean luma gradient across the mask's border, from 2 px outside to the end of the blend, over the real "
        "video's there; above 1 an edge shows, below 1 the blend blurs",
        needs="a generated video made without --mask",
    ),
}

BAND_OUTSIDE_CROP_PX, BAND_INSIDE_CROP_PX = 2.0, FEATHER_SHARE * CROP_PX
"""On both sides of the border."""


def measure(evidence: Evidence) -> dict[str, float]:
    """The column of one clip."""
    if evidence.user_mask:
        return {"seam": float("nan")}
    frames = np.flatnonzero(evidence.generated)
    seen, truth = (
        sum(_across(heads[frame]) for frame in frames) for heads in (evidence.seen.heads, evidence.truth.heads)
    )
    return {"seam": float(seen / truth) if truth > 0 else float("nan")}


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
