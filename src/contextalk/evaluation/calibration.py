"""From a generic head's angles to a set's own: how pose and gaze read off points become degrees that can be compared.

The generic head sees about half the yaw of flat cartoons, and no pupil says by itself how far an eye is turned. On
heads whose true angles are known one linear map is fitted for the whole set, and its residual is the estimator's error.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.evaluation.evidence import Around, Shown

LEAST_FRAMES = 50
"""Fewer frames with known angles fit nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Linear maps in degrees; None where the truth is not known of enough frames.

    Attributes:
        yaw: (2,) weights of (the generic head's yaw, 1).
        yaw_error_deg: Mean absolute residual on the true heads.
        gaze: (2, 3), for yaw and pitch of the gaze: weights of (the head's angle, the pupil's place in the eye, 1).
        gaze_error_deg: Mean angle on the true heads.
    """

    yaw: NDArray[np.float64] | None = None
    yaw_error_deg: float = float("nan")
    gaze: NDArray[np.float64] | None = None
    gaze_error_deg: float = float("nan")

    def apply(self, shown: Shown) -> Shown:
        """The same head with calibrated angles; `shown` comes uncalibrated."""
        pose, gaze_deg = shown.head_pose, None
        if self.gaze is not None:
            gaze_deg = np.stack(
                [_features(shown, axis) @ weights for axis, weights in enumerate(self.gaze)], axis=1
            ).astype(np.float32)
        if self.yaw is not None:
            pose = pose.copy()
            pose[:, 0] = self.yaw[0] * pose[:, 0] + self.yaw[1]
        return replace(shown, head_pose=pose, gaze_deg=gaze_deg)


def calibrate(truths: Iterable[tuple[Shown, Around | None]]) -> Calibration:
    """Fit the maps to true heads, all clips of a set at once.

    Args:
        truths: True heads with uncalibrated angles, and what is known of their conversation.
    """
    known = [(shown, around) for shown, around in truths if around is not None]
    if not known:
        return Calibration()
    yaw, yaw_error = _fit_yaw(known)
    gaze, gaze_error = _fit_gaze(known)
    return Calibration(yaw=yaw, yaw_error_deg=yaw_error, gaze=gaze, gaze_error_deg=gaze_error)


def gaze_angles(gaze: NDArray[np.floating]) -> NDArray[np.float64]:
    """(F, 3) unit vectors in camera axes (x right, y down, z into the scene) → (F, 2) degrees yaw, pitch."""
    yaw = np.arctan2(gaze[:, 0], -gaze[:, 2])
    pitch = np.arcsin(np.clip(-gaze[:, 1], -1.0, 1.0))
    return np.rad2deg(np.stack([yaw, pitch], axis=1))


def gaze_vectors(angles_deg: NDArray[np.floating]) -> NDArray[np.float64]:
    """The inverse of `gaze_angles`."""
    yaw, pitch = np.deg2rad(angles_deg.astype(np.float64)).T
    return np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)], axis=1)


def angle_between_deg(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.float64]:
    """(F,) between unit vectors (F, 3)."""
    return np.rad2deg(np.arccos(np.clip((left * right).sum(axis=1), -1.0, 1.0))).astype(np.float64)


def pupil_places(points: Points, pupils: Points) -> NDArray[np.float64]:
    """(F, 2) where the pupils stand between the corners of their eyes, in eye widths from the middle, x right, y down.

    Mean of both eyes, in axes that turn with the eyes.
    """
    places = []
    for eye, (left, right) in enumerate(((36, 39), (42, 45))):
        along = (points[:, right] - points[:, left]).astype(np.float64)
        offset = pupils[:, eye] - (points[:, left] + points[:, right]) / 2
        width = np.maximum((along**2).sum(axis=1), 1e-9)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        places.append(np.stack([(offset * along).sum(axis=1), (offset * across).sum(axis=1)], axis=1) / width[:, None])
    return np.mean(places, axis=0).astype(np.float64)


def _features(shown: Shown, axis: int) -> NDArray[np.float64]:
    """(F, 3) what the gaze's yaw (axis 0) or pitch (axis 1) is read from."""
    place = pupil_places(shown.points, shown.pupils)[:, axis]
    return np.stack([shown.head_pose[:, axis], place, np.ones(len(place))], axis=1).astype(np.float64)


def _fit_yaw(known: list[tuple[Shown, Around]]) -> tuple[NDArray[np.float64] | None, float]:
    read = np.concatenate([shown.head_pose[:, 0] for shown, _ in known]).astype(np.float64)
    wanted = np.concatenate([around.yaw_wanted_deg for _, around in known]).astype(np.float64)
    weights = _least_squares(np.stack([read, np.ones(len(read))], axis=1), wanted)
    if weights is None:
        return None, float("nan")
    return weights, float(np.nanmean(np.abs(weights[0] * read + weights[1] - wanted)))


def _fit_gaze(known: list[tuple[Shown, Around]]) -> tuple[NDArray[np.float64] | None, float]:
    vectors = np.concatenate([around.gaze_wanted for _, around in known])
    wanted = gaze_angles(vectors)
    features = [np.concatenate([_features(shown, axis) for shown, _ in known]) for axis in (0, 1)]
    fitted = [_least_squares(features[axis], wanted[:, axis]) for axis in (0, 1)]
    if fitted[0] is None or fitted[1] is None:
        return None, float("nan")
    read = np.stack([features[axis] @ weights for axis, weights in enumerate(fitted) if weights is not None], axis=1)
    return np.stack([fitted[0], fitted[1]]), float(np.nanmean(angle_between_deg(gaze_vectors(read), vectors)))


def _least_squares(features: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Weights over the rows in which everything is known."""
    rows = np.isfinite(features).all(axis=1) & np.isfinite(wanted)
    if rows.sum() < LEAST_FRAMES:
        return None
    return np.asarray(np.linalg.lstsq(features[rows], wanted[rows], rcond=None)[0], np.float64)
