"""A head that turns, nods, sways and speaks, made from the generic head: landmarks with known truth."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from contextalk.core.records import Landmarks
from contextalk.faces.head_model import head_points
from contextalk.faces.pose import HeadFit, rotation_matrix

RATE_HZ = 25


def animate(seed: int, frames: int = 150, *, sway_mm: float = 4.0, walk_mm_per_s: float = 0.0) -> Landmarks:
    """Landmarks of a person who is not the generic head: own width, height and relief, and a jaw that moves."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(frames) / RATE_HZ

    def signal(size: float, seconds: float) -> np.ndarray:
        noise = gaussian_filter1d(rng.normal(size=frames + 200), seconds * RATE_HZ)[100:-100]
        return size * noise / (noise.std() + 1e-9)

    pose = np.stack([rng.uniform(-25, 25) + signal(10, 0.6), signal(4, 0.4), signal(3, 0.5)], axis=1)
    jaw_mm = np.clip(signal(6, 0.1) + 6, 0, None)
    person = head_points() * rng.uniform([0.9, 0.92, 0.7], [1.1, 1.08, 1.1])
    scale = rng.uniform(0.5, 2.0)
    centre = np.array([480.0, 270.0]) + scale * np.stack([signal(sway_mm, 0.8), signal(sway_mm / 2, 0.8)], axis=1)
    centre[:, 0] += scale * walk_mm_per_s * times_s
    shapes = np.repeat(person[None], frames, axis=0)
    shapes[:, 3:14, 1] += jaw_mm[:, None] * np.sin(np.linspace(0, np.pi, 11))
    shapes[:, [55, 56, 57, 58, 59, 65, 66, 67], 1] += jaw_mm[:, None]
    rotation = rotation_matrix(pose)
    pivot = np.array([0.0, 40.0, -60.0])
    turned = np.einsum("fij,fpj->fpi", rotation[:, :2], shapes - pivot) * scale + centre[:, None]
    return Landmarks(
        points=(turned + rng.normal(0, 0.3, turned.shape)).astype(np.float32),
        pupils=np.full((frames, 2, 2), np.nan, np.float32),
        head_pose=pose.astype(np.float32),
        valid=np.ones(frames, bool),
        times_s=times_s,
        size_px=(960, 540),
    )


def exact_points(angles_deg: np.ndarray, scale: np.ndarray, centre_px: np.ndarray) -> np.ndarray:
    """(F, 68, 2) of the generic head itself."""
    fit = HeadFit(rotation=rotation_matrix(angles_deg), scale=scale, centre_px=centre_px)
    return fit.project(head_points()).astype(np.float32)


def spread_hand(middle_px: tuple[float, float], palm_px: float) -> np.ndarray:
    """(21, 2) joints of a hand with its fingers up and apart, wrist to middle knuckle `palm_px`."""
    joints = np.zeros((21, 2))
    thumb = np.outer(np.arange(1, 5) / 4, [-0.9, -0.8]) + np.array([-0.1, 0.0])
    joints[1:5] = thumb
    for finger, angle in enumerate(np.deg2rad([-18.0, -3.0, 10.0, 24.0])):
        along = np.array([np.sin(angle), -np.cos(angle)])
        joints[5 + 4 * finger : 9 + 4 * finger] = np.outer([1.0, 1.45, 1.75, 2.0], along)
    joints[9] = [joints[9, 0], -np.sqrt(1 - joints[9, 0] ** 2)]
    return (joints - joints.mean(axis=0)) * palm_px + np.array(middle_px)
