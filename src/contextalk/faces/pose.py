"""Head pose from 68 points: a generic head fitted by scaled orthography, robustly, all frames at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.faces.head_model import head_points

_MODEL_MM = head_points()

_FRAMES_AT_ONCE = 2048
_NUM_STEPS = 8
_OUTLIER_MM = 5.0
"""Residual from which a point counts less and less (Huber): raised brows, a hand before the nose."""


def _point_weights() -> NDArray[np.float64]:
    """Rigid points count. The jaw does not: its contour slides over the head as that turns, and drops with speech."""
    weights = np.zeros(68)
    weights[17:27] = 0.3
    weights[27:36] = 1.0
    weights[36:48] = 0.4
    weights[[36, 39, 42, 45]] = 1.0
    return weights


_WEIGHTS = _point_weights()
_RIGID = np.flatnonzero(_WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFit:
    """The generic head laid into each frame.

    Attributes:
        rotation: (F, 3, 3), model axes → image axes (x right, y down, z to the viewer).
        scale: (F,) scene px per millimetre of the generic head.
        centre_px: (F, 2) where the head's centre is seen; moves with neither yaw nor jaw.
    """

    rotation: NDArray[np.float64]
    scale: NDArray[np.float64]
    centre_px: NDArray[np.float64]

    @property
    def angles_deg(self) -> NDArray[np.float64]:
        """(F, 3) yaw, pitch, roll."""
        forward = self.rotation[:, :, 2]
        yaw = np.arctan2(forward[:, 0], forward[:, 2])
        pitch = np.arcsin(np.clip(-forward[:, 1], -1.0, 1.0))
        roll = np.arctan2(self.rotation[:, 1, 0], self.rotation[:, 1, 1])
        return np.rad2deg(np.stack([yaw, pitch, roll], axis=1))

    def project(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P, 3) model points → (F, P, 2) scene px."""
        turned = np.einsum("fij,pj->fpi", self.rotation[:, :2], points_mm)
        return turned * self.scale[:, None, None] + self.centre_px[:, None]


def head_pose(points: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Yaw, pitch and roll of a head.

    Args:
        points: (F, 68, 2) scene px, iBUG order; frames with NaN give NaN.
        size_px: (width, height) of the scene. Angles are those against the image plane (scaled orthography), so it
            has no say in them.

    Returns:
        (F, 3) degrees. yaw > 0: to image right; pitch > 0: up; roll > 0: clockwise as seen. Of heads with flatter faces
        than the generic one the angles come out too small: half the true yaw for the cartoons of `synth` (r 0.99).
    """
    del size_px
    return fit_head(points).angles_deg.astype(np.float32)


def rotation_matrix(yaw_pitch_roll_deg: NDArray[np.floating]) -> NDArray[np.float64]:
    """(F, 3) degrees → (F, 3, 3): first roll about the own axis, then pitch, then yaw; the inverse of `angles_deg`."""
    yaw, pitch, roll = np.deg2rad(np.asarray(yaw_pitch_roll_deg, np.float64)).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    turn = matrix((np.cos(yaw), zero, np.sin(yaw)), (zero, one, zero), (-np.sin(yaw), zero, np.cos(yaw)))
    nod = matrix((one, zero, zero), (zero, np.cos(pitch), -np.sin(pitch)), (zero, np.sin(pitch), np.cos(pitch)))
    tilt = matrix((np.cos(roll), -np.sin(roll), zero), (np.sin(roll), np.cos(roll), zero), (zero, zero, one))
    return turn @ nod @ tilt


def fit_head(points: NDArray[np.float32]) -> HeadFit:
    """Fit rotation, scale and centre of the generic head to (F, 68, 2) points; NaN where a frame has a NaN."""
    frames = len(points)
    fit = HeadFit(
        rotation=np.full((frames, 3, 3), np.nan), scale=np.full(frames, np.nan), centre_px=np.full((frames, 2), np.nan)
    )
    seen = np.flatnonzero(np.isfinite(points).all(axis=(1, 2)))
    for start in range(0, len(seen), _FRAMES_AT_ONCE):
        rows = seen[start : start + _FRAMES_AT_ONCE]
        fit.rotation[rows], fit.scale[rows], fit.centre_px[rows] = _fit_finite(points[rows].astype(np.float64))
    return fit


def _fit_finite(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    model, seen = _MODEL_MM[_RIGID], points[:, _RIGID]
    rotation, scale, centre = _affine_start(model, seen)
    for _ in range(_NUM_STEPS):
        rotation, scale, centre = _gauss_newton_step(model, seen, rotation, scale, centre)
    return rotation, scale, centre


def _affine_start(
    model: NDArray[np.float64], seen: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The affine camera by linear least squares, and the scaled rotation nearest to it."""
    design = np.concatenate([model, np.ones((len(model), 1))], axis=1) * np.sqrt(_WEIGHTS[_RIGID])[:, None]
    solved = np.linalg.pinv(design) @ (seen * np.sqrt(_WEIGHTS[_RIGID])[:, None])
    left, singular, right = np.linalg.svd(solved[:, :3].transpose(0, 2, 1), full_matrices=False)
    rows = left @ right
    rotation = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    return rotation, singular.mean(axis=1), solved[:, 3]


def _gauss_newton_step(
    model: NDArray[np.float64],
    seen: NDArray[np.float64],
    rotation: NDArray[np.float64],
    scale: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    turned = np.einsum("fij,pj->fpi", rotation, model)
    # Residuals in millimetres, so that one threshold serves heads of every size.
    residual = (seen - centre[:, None]) / scale[:, None, None] - turned[..., :2]
    distance = np.linalg.norm(residual, axis=-1)
    weights = _WEIGHTS[_RIGID] * np.minimum(1.0, _OUTLIER_MM / np.maximum(distance, 1e-9))
    zero, one = np.zeros_like(distance), np.ones_like(distance)
    x, y, z = np.moveaxis(turned, -1, 0)
    # Unknowns: rotation vector (3), relative scale, centre (2), in millimetres.
    along_x = np.stack([zero, z, -y, x, one, zero], axis=-1)
    along_y = np.stack([-z, zero, x, y, zero, one], axis=-1)
    jacobian = np.concatenate([along_x, along_y], axis=1)
    weighted = jacobian * np.concatenate([weights, weights], axis=1)[..., None]
    target = np.concatenate([residual[..., 0], residual[..., 1]], axis=1)
    normal = np.einsum("fni,fnj->fij", weighted, jacobian) + 1e-6 * np.eye(6)
    step = np.linalg.solve(normal, np.einsum("fni,fn->fi", weighted, target)[..., None])[..., 0]
    step[:, :3] = np.clip(step[:, :3], -0.5, 0.5)
    return (
        _rotate_by(step[:, :3]) @ rotation,
        scale * np.exp(np.clip(step[:, 3], -0.5, 0.5)),
        centre + step[:, 4:] * scale[:, None],
    )


def _rotate_by(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rodrigues' formula, (F, 3) → (F, 3, 3)."""
    angle = np.maximum(np.linalg.norm(vector, axis=1), 1e-12)[:, None, None]
    x, y, z = vector.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angle) / angle * cross + (1 - np.cos(angle)) / angle**2 * (cross @ cross)
