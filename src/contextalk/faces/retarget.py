"""A performance given to another face: who acts decides how, whose face it is decides the shape.

Stage 1 draws strangers with a face it knows. What it acted (pose, mouth, brows, gaze) is taken off that face in the
frame of the generic head and put on the target's own: as they look at rest, as large and where they are in the scene.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.geometry import Points
from contextalk.core.records import Landmarks, mouth_opening
from contextalk.faces.head_model import head_points
from contextalk.faces.pose import HeadFit, fit_head, head_pose, rotation_matrix

_DEPTH_MM = head_points()[:, 2]

_QUIET_SHARE = 0.2
"""The frames with the least open mouths show a face at rest."""

_JAW, _BROWS, _EYES, _LIPS = slice(0, 17), slice(17, 27), slice(36, 48), slice(48, 68)
_INNER = np.array([61, 62, 63, 67, 66, 65])
"""Upper inner lip from image left to right, lower inner lip likewise."""
_BELOW = np.r_[55:60, 64:68]
"""Lower lip, outer and inner."""
_CHIN = slice(4, 13)

_EYES_SHARE = 0.3
"""How much of the lids' own motion is taken over: blinks are added later, all else is jitter."""

_DRAWN_MOUTH = 0.65
"""Drawn mouths open wider: by 1.7 times the deviation of a real speaker's (12 sentences; docs/log.md)."""

_DRAWN_YAW = 1.8
"""Drawn faces are flatter than the generic head, which therefore sees about half of their yaw (`faces/pose.py`)."""

_LARGEST_YAW_DEG = 30.0
"""From the target's own usual pose: beyond that no bent head of theirs looks right."""

_SMOOTHING_S = 1.0
"""Standard deviation of the low-pass under which the target's own place is followed: as the crop does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingFace:
    """A face at rest.

    Attributes:
        shape_mm: (68, 2) x and y in the generic head's frame and scale.
        pose_deg: (3,) usual yaw, pitch, roll.
    """

    shape_mm: NDArray[np.float64]
    pose_deg: NDArray[np.float64]


def retarget(acted: Landmarks, own: Landmarks, seat: Landmarks, *, alone: bool) -> Landmarks:
    """The performance `acted` by whomever, on the target's own face.

    Args:
        acted: What stage 1 drew in a stretch without a cut, scene px; all rows valid.
        own: The target at any times and of any size, at least one row valid: the shape, of its least open mouths, and
            the usual pose.
        seat: The head whose place and size in the scene are followed, under a low-pass of a second; the same times as
            `acted` or around them, at least one row valid.
        alone: Nobody is around to look at: the head stays about the pose it usually has, else its yaw is the acted one.

    Returns:
        As `acted`, with other points, pupils and poses.
    """
    fit = fit_head(acted.points)
    shapes = _unproject(acted.points, fit)
    rest, own_fit = _rest(shapes, fit, acted.mouth_open), fit_head(_seen(own))
    mine = _rest(_unproject(own.points, own_fit), own_fit, own.mouth_open)
    change = shapes - rest.shape_mm
    change[:, _EYES] *= _EYES_SHARE
    change[:, _LIPS] *= _DRAWN_MOUTH
    change[:, _JAW] *= _DRAWN_MOUTH
    shape = _closed(mine.shape_mm) + change
    pose = _poses(fit, rest, mine, alone=alone)
    centre, scale = _sit(seat, acted.times_s, fit)
    placed = HeadFit(rotation=rotation_matrix(pose), scale=scale, centre_px=centre)
    points = _project(shape, placed).astype(np.float32)
    return replace(
        acted,
        points=points,
        pupils=_gaze(acted, points),
        head_pose=head_pose(points, acted.size_px),
    )


def lend_mouth(points: Points, spoken: Points, share: float) -> Points:
    """A face that speaks as another does; pose, place, eyes and brows stay its own.

    Args:
        points: (F, 68, 2) the face, any px.
        spoken: (F, 68, 2) who speaks, any px.
        share: How much of the speaker's change of jaw and lips is taken over.

    Returns:
        (F, 68, 2) in the px of `points`.
    """
    fit, other = fit_head(points), fit_head(spoken)
    shapes, said = _unproject(points, fit), _unproject(spoken, other)
    rest, quiet = (
        _closed(_rest(shape, seen, mouth_opening(given)).shape_mm)
        for shape, seen, given in ((shapes, fit, points), (said, other, spoken))
    )
    for part in (_JAW, _LIPS):
        shapes[:, part] = rest[part] + share * (said - quiet)[:, part]
    return _project(shapes, fit).astype(np.float32)


def _seen(landmarks: Landmarks) -> NDArray[np.float32]:
    return np.where(landmarks.valid[:, None, None], landmarks.points, np.nan).astype(np.float32)


def _unproject(points: NDArray[np.float32], fit: HeadFit) -> NDArray[np.float64]:
    """(F, 68, 2) x and y in the head's frame, each point at the generic head's depth."""
    flat = (points - fit.centre_px[:, None]) / fit.scale[:, None, None]
    deep = flat - fit.rotation[:, None, :2, 2] * _DEPTH_MM[None, :, None]
    return np.einsum("fij,fpj->fpi", np.linalg.inv(_finite(fit.rotation[:, :2, :2])), deep)


def _finite(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unseen frames invert to something: their points are NaN anyhow."""
    return np.where(np.isfinite(matrices), matrices, np.eye(2))


def _project(shape_mm: NDArray[np.float64], fit: HeadFit) -> NDArray[np.float64]:
    deep = np.concatenate([shape_mm, np.broadcast_to(_DEPTH_MM[:, None], (*shape_mm.shape[:2], 1))], axis=2)
    turned = np.einsum("fij,fpj->fpi", fit.rotation[:, :2], deep)
    return turned * fit.scale[:, None, None] + fit.centre_px[:, None]


def _rest(shapes: NDArray[np.float64], fit: HeadFit, mouth_open: NDArray[np.float32]) -> RestingFace:
    seen = np.flatnonzero(np.isfinite(shapes).all(axis=(1, 2)))
    quiet = seen[np.argsort(mouth_open[seen], kind="stable")[: max(1, round(_QUIET_SHARE * len(seen)))]]
    shape = np.median(shapes[quiet], axis=0)
    # Eyes at rest are open, brows where they usually are, whatever the mouth does.
    for part in (_BROWS, _EYES):
        shape[part] = np.median(shapes[seen][:, part], axis=0)
    return RestingFace(shape_mm=shape, pose_deg=np.median(fit.angles_deg[seen], axis=0))


def _closed(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same face with its lips together: somebody may never close them in what was seen."""
    gap = max(0.0, float((shape[_INNER[3:], 1] - shape[_INNER[:3], 1]).mean()))
    closed = shape.copy()
    closed[_BELOW, 1] -= gap
    closed[_CHIN, 1] -= 0.7 * gap
    return closed


def _poses(fit: HeadFit, rest: RestingFace, mine: RestingFace, *, alone: bool) -> NDArray[np.float64]:
    """(F, 3) degrees. Pitch and roll move about the target's own; yaw too where there is nobody to turn to."""
    moved = fit.angles_deg - rest.pose_deg
    moved[:, 0] *= _DRAWN_YAW
    pose = mine.pose_deg + moved
    if not alone:
        pose[:, 0] = _DRAWN_YAW * fit.angles_deg[:, 0]
    low, high = mine.pose_deg[0] - _LARGEST_YAW_DEG, mine.pose_deg[0] + _LARGEST_YAW_DEG
    pose[:, 0] = np.clip(pose[:, 0], low, high)
    return pose


def _sit(
    seat: Landmarks, times_s: NDArray[np.float64], acted: HeadFit
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre (F, 2) and scale (F,) in scene px: the head's that was there, low-passed, with the acted sway on top."""
    there = fit_head(_seen(seat))
    seen = np.isfinite(there.scale)
    rate_hz = 1 / np.median(np.diff(times_s)) if len(times_s) > 1 else 25.0
    columns = np.stack(
        [
            np.interp(times_s, seat.times_s[seen], column[seen])
            for column in (*there.centre_px.T, np.log(np.where(seen, there.scale, 1.0)))
        ],
        axis=1,
    )
    smooth = gaussian_filter1d(columns, _SMOOTHING_S * rate_hz, axis=0, mode="nearest")
    scale = np.exp(smooth[:, 2])
    drift = gaussian_filter1d(acted.centre_px, _SMOOTHING_S * rate_hz, axis=0, mode="nearest")
    sway = (acted.centre_px - drift) * (scale / acted.scale)[:, None]
    return smooth[:, :2] + sway, scale


def _gaze(acted: Landmarks, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(F, 2, 2) pupils as far from the middle of their eyes, in widths of the eye, as the acted ones."""
    pupils = np.empty_like(acted.pupils)
    for index, (first, last) in enumerate(((36, 42), (42, 48))):
        told, mine = acted.points[:, first:last], points[:, first:last]
        away = (acted.pupils[:, index] - told.mean(axis=1)) / _width(told)
        pupils[:, index] = mine.mean(axis=1) + away * _width(mine)
    return pupils


def _width(eye: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.linalg.norm(eye[:, 3] - eye[:, 0], axis=-1, keepdims=True)
