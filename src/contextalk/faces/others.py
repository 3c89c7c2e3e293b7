"""Where the people around the target are, and where they look, in numbers that hold for drawn and real people alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from contextalk.core.geometry import CropPath
from contextalk.core.records import OTHERS_SHAPE, Landmarks
from contextalk.faces.head_model import HEAD_HEIGHT_MM
from contextalk.faces.pose import fit_head

_SIDES = 4.0
"""Distances are told in units of so many sides of the target's square, and cut at `_FURTHEST` of them."""
_FURTHEST = 1.5

_LIPS_FRAMES = 17
"""Over which a mouth is seen to move: two thirds of a second at 25 Hz."""
_LIPS_SCALE = 10.0
"""Brings the deviation of a talking mouth's opening to about 1."""


def describe_others(others: Sequence[Landmarks], crop: CropPath) -> NDArray[np.float32]:
    """What stage 1 is told of the people around its target.

    Args:
        others: Everybody but the target at the same 25 Hz instants, scene px.
        crop: The target's square at these instants.

    Returns:
        (F, 3, 7): of up to three people, the nearest first and who is further away left out, whether they are seen
        (0 or 1; all else is 0 where not),
        how far right and below the square's centre their head's centre is, the logarithm of their head's size over the
        square's, the sines of their yaw and pitch as `head_pose` sees them, and how much their mouth moves.
    """
    described = [_describe(other, crop) for other in others]
    described.sort(key=_typical_distance)
    told = np.zeros((len(crop), *OTHERS_SHAPE), np.float32)
    for place, features in enumerate(described[: OTHERS_SHAPE[0]]):
        told[:, place] = features
    return told


def _describe(other: Landmarks, crop: CropPath) -> NDArray[np.float32]:
    seen = other.valid & np.isfinite(other.points).all(axis=(1, 2))
    fit = fit_head(np.where(seen[:, None, None], other.points, np.nan).astype(np.float32))
    side = crop.side_px
    away = (fit.centre_px - crop.centre_px) / (_SIDES * side[:, None])
    forward = fit.rotation[:, :, 2]
    columns = [
        np.ones(len(side)),
        *np.clip(away, -_FURTHEST, _FURTHEST).T,
        np.log(np.maximum(fit.scale * HEAD_HEIGHT_MM / side, 1e-3)),
        forward[:, 0],
        -forward[:, 1],
        _lip_motion(other.mouth_open, seen),
    ]
    return np.where(seen[:, None], np.stack(columns, axis=1), 0.0).astype(np.float32)


def _lip_motion(mouth_open: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(F,) standard deviation of the opening around each frame, over the frames in which the face is seen."""
    opened = np.where(seen, np.nan_to_num(mouth_open), 0.0).astype(np.float64)
    share, mean, square = (
        uniform_filter1d(values, _LIPS_FRAMES, mode="nearest")
        for values in (seen.astype(np.float64), opened, opened**2)
    )
    share = np.maximum(share, 1 / _LIPS_FRAMES)
    return np.clip(_LIPS_SCALE * np.sqrt(np.maximum(square / share - (mean / share) ** 2, 0.0)), 0.0, 2.0)


def _typical_distance(features: NDArray[np.float32]) -> float:
    """Median over the frames in which somebody is seen; infinite for those who never are."""
    seen = features[:, 0] > 0
    return float(np.median(np.linalg.norm(features[seen, 1:3], axis=1))) if seen.any() else np.inf
