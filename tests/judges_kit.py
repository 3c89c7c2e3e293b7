"""Evidence for judges, made of arrays."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath
from contextalk.core.time import SAMPLE_RATE_HZ, clip_times
from contextalk.evaluation.evidence import Evidence, Shown

FRAMES_S = SAMPLE_RATE_HZ // 25


def face_points(frames: int, *, nose: tuple[float, float] = (128.0, 130.0)) -> NDArray[np.float32]:
    """(F, 68, 2) crop px: a jaw and brows around a nose, still."""
    points = np.tile(np.array(nose, np.float32), (frames, 68, 1))
    around = np.linspace(0, np.pi, 17)
    points[:, :17] += np.stack([-50 * np.cos(around), 60 * np.sin(around)], axis=-1)
    points[:, 17:27, 1] -= 40
    points[:, 17:27, 0] += np.linspace(-40, 40, 10)
    return points


def shown(heads: NDArray[np.uint8], points: NDArray[np.float32] | None = None) -> Shown:
    """A head of which nothing but pixels and points is known."""
    frames = len(heads)
    return Shown(
        heads=heads,
        points=face_points(frames) if points is None else points,
        pupils=np.full((frames, 2, 2), np.nan, np.float32),
        head_pose=np.full((frames, 3), np.nan, np.float32),
    )


def evidence(
    heads: NDArray[np.uint8],
    *,
    truth: NDArray[np.uint8] | None = None,
    points: NDArray[np.float32] | None = None,
    wave: NDArray[np.float32] | None = None,
    times_s: NDArray[np.float64] | None = None,
    video: Path | None = None,
    name: str = "clip",
) -> Evidence:
    """One clip whose crop is the scene itself."""
    frames = len(heads)
    return Evidence(
        name=name,
        times_s=clip_times(frames) if times_s is None else times_s,
        seen=shown(heads, points),
        truth=shown(heads if truth is None else truth, points),
        given=None,
        saved=None,
        speaking=np.ones(frames, bool),
        joins=np.zeros(frames, bool),
        crop=CropPath(centre_px=np.full((frames, 2), 128, np.float32), side_px=np.full(frames, 256, np.float32)),
        wave=np.zeros(frames * FRAMES_S, np.float32) if wave is None else wave,
        around=None,
        video=video,
        reference=Path("reference.mp4"),
    )


def grey_heads(levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(F, 256, 256, 3), each frame of one level."""
    return np.broadcast_to(levels.astype(np.uint8)[:, None, None, None], (len(levels), 256, 256, 3)).copy()
