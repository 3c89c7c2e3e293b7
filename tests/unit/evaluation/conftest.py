"""Evidence made by hand: a drawn head whose points, pose and mouth are known exactly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, CropPath
from contextalk.evaluation.evidence import Around, Evidence, Shown
from contextalk.faces.head_model import head_points
from contextalk.faces.pose import head_pose

FRAMES = 50

Points = NDArray[np.float32]


def turned_face(yaw_deg: NDArray[np.floating], opening_px: NDArray[np.floating]) -> Points:
    """(F, 68, 2) crop px: the generic head under scaled orthography, turned, the inner lower lip lowered."""
    model = head_points()
    model = model - (model.min(axis=0) + model.max(axis=0)) / 2
    yaw = np.deg2rad(yaw_deg)[:, None]
    x = model[None, :, 0] * np.cos(yaw) + model[None, :, 2] * np.sin(yaw)
    points = np.stack([x, np.broadcast_to(model[None, :, 1], x.shape)], axis=-1) * 0.8 + np.array([128.0, 140.0])
    points[:, [65, 66, 67], 1] = points[:, [63, 62, 61], 1] + opening_px[:, None]
    return points.astype(np.float32)


def pupils_of(points: Points, aside: NDArray[np.floating] | float = 0.0) -> Points:
    """(F, 2, 2): in the middle of each eye, `aside` eye widths to image right of it."""
    pupils = []
    for left, right in ((36, 39), (42, 45)):
        along = points[:, right] - points[:, left]
        pupils.append((points[:, left] + points[:, right]) / 2 + np.asarray(aside).reshape(-1, 1) * along)
    return np.stack(pupils, axis=1).astype(np.float32)


def drawn_heads(points: Points, seed: int = 0) -> NDArray[np.uint8]:
    """(F, 256, 256, 3): a face of its own colour before a smooth texture, the mouth dark, the teeth fine stripes."""
    rng = np.random.default_rng(seed)
    wall = cv2.GaussianBlur(rng.uniform(0, 255, (CROP_PX, CROP_PX, 3)).astype(np.float32), (0, 0), 3)
    wall = 128 + (wall - 128) * 4
    skin = rng.uniform(120, 220, 3)
    heads = []
    for face in points:
        head = np.clip(wall, 0, 255).astype(np.uint8)
        cv2.fillPoly(head, [np.rint(cv2.convexHull(face[:27])).astype(np.int32)], skin.tolist())
        cv2.fillPoly(head, [np.rint(face[48:60]).astype(np.int32)], (180, 60, 60))
        cv2.fillPoly(head, [np.rint(face[60:68]).astype(np.int32)], (250, 250, 250))
        for eye in (face[36:42], face[42:48]):
            cv2.fillPoly(head, [np.rint(eye).astype(np.int32)], (20, 20, 20))
        heads.append(head)
    return np.stack(heads)


def shown(points: Points, heads: NDArray[np.uint8] | None = None, *, seed: int = 0) -> Shown:
    """A head whose points are read without error."""
    return Shown(
        heads=drawn_heads(points, seed) if heads is None else heads,
        points=points,
        pupils=pupils_of(points),
        head_pose=head_pose(points, (CROP_PX, CROP_PX)),
    )


def make_clip(
    *,
    yaw_deg: float | NDArray[np.floating] = 20.0,
    seed: int = 0,
    frames: int = FRAMES,
    **changes: Any,
) -> Evidence:
    """A clip of a method that shows the truth: speaks in the first 30 frames, addresses image right all the time."""
    times_s = np.arange(frames) / 25
    opening = 6 + 5 * np.sin(2 * np.pi * 3.1 * times_s)
    opening[30:] = 1.0
    points = turned_face(np.broadcast_to(yaw_deg, frames).astype(np.float64), opening)
    truth = shown(points, seed=seed)
    yaw = np.broadcast_to(yaw_deg, frames).astype(np.float32)
    gaze = np.stack([np.sin(np.deg2rad(yaw)), 0 * yaw, -np.cos(np.deg2rad(yaw))], axis=1).astype(np.float32)
    speaking = np.arange(frames) < 30
    side = np.full(frames, np.sign(np.mean(yaw_deg)) or 1, np.int8)
    evidence = Evidence(
        name=f"clip-{seed}",
        times_s=times_s,
        seen=truth,
        truth=truth,
        given=points,
        saved=None,
        speaking=speaking,
        joins=(np.arange(frames) % 7 == 1) | (np.arange(frames) == 0),
        crop=CropPath(
            centre_px=np.full((frames, 2), (80.0, 60.0), np.float32), side_px=np.full(frames, 100.0, np.float32)
        ),
        wave=np.sin(2 * np.pi * 440 * np.arange(frames * 640) / 16000).astype(np.float32),
        around=Around(
            towards_addressee=side,
            towards_speaker=np.where(speaking, 0, side).astype(np.int8),
            addressee_deg=side * np.float32(30),
            yaw_wanted_deg=yaw,
            gaze_wanted=gaze,
            twin=None,
        ),
        video=None,
        reference=Path("no-such.mp4"),
    )
    return replace(evidence, **changes)


@pytest.fixture
def clip() -> Callable[..., Evidence]:
    return make_clip


@pytest.fixture
def as_shown() -> Callable[..., Shown]:
    return shown


@pytest.fixture
def face() -> Callable[..., Points]:
    return turned_face
