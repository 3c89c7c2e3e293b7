"""Reframed copies: the picture and its landmarks move together, inside the canvas."""

import numpy as np
import pytest

from contextalk.core.records import Landmarks
from contextalk.dataset.augment import CANVAS_PX, draw_framing

SIZE_PX = (360, 288)
FRAMES = 60


def dot_landmarks(at_px: tuple[float, float]) -> Landmarks:
    return Landmarks(
        points=np.full((FRAMES, 68, 2), at_px, np.float32),
        pupils=np.full((FRAMES, 2, 2), at_px, np.float32),
        head_pose=np.zeros((FRAMES, 3), np.float32),
        valid=np.ones(FRAMES, bool),
        times_s=np.arange(FRAMES) / 25,
        size_px=SIZE_PX,
    )


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_follow_the_pixels(seed: int) -> None:
    """A round dot at a known place: its centre of mass on the canvas is where its landmark goes."""
    at_px = (123.5, 97.5)
    y, x = np.mgrid[: SIZE_PX[1], : SIZE_PX[0]] + 0.5
    dot = (np.exp(-((x - at_px[0]) ** 2 + (y - at_px[1]) ** 2) / (2 * 4.0**2)) * 255).astype(np.uint8)
    framing = draw_framing(SIZE_PX, FRAMES, np.random.default_rng(seed))
    moved = framing.move(dot_landmarks(at_px))
    rgb, black = np.repeat(dot[..., None], 3, axis=2), np.zeros_like(framing.background)
    plain = type(framing)(scale=framing.scale, offset_px=framing.offset_px, background=black)
    height, width = black.shape[:2]
    canvas_y, canvas_x = np.mgrid[:height, :width] + 0.5
    for frame in (0, FRAMES - 1):
        weight = plain.paste(rgb, frame)[..., 0].astype(float)
        seen = [(canvas * weight).sum() / weight.sum() for canvas in (canvas_x, canvas_y)]
        # Quantised grey levels and linear resampling: measured ≤ 0.014 px over 12 seeds.
        np.testing.assert_allclose(seen, moved.points[frame, 0], atol=0.03)
    assert moved.size_px == CANVAS_PX


@pytest.mark.parametrize("seed", range(20))
def test_source_lies_inside_the_canvas_and_moves_slowly(seed: int) -> None:
    framing = draw_framing(SIZE_PX, 250, np.random.default_rng(seed))
    far = framing.offset_px + framing.scale[:, None] * np.array(SIZE_PX)
    # float32 of coordinates below 640.
    assert framing.offset_px.min() > -1e-3
    assert (far < np.array(CANVAS_PX) + 1e-3).all()
    # A corner moves less than 2 px a frame: no jump that a tracker would call a cut.
    assert np.abs(np.diff(framing.offset_px, axis=0)).max() < 2.0
    assert np.abs(np.diff(framing.scale)).max() < 0.004


def test_same_seed_same_framing() -> None:
    first, second = (draw_framing(SIZE_PX, FRAMES, np.random.default_rng([1, 2])) for _ in range(2))
    np.testing.assert_array_equal(first.background, second.background)
    np.testing.assert_array_equal(first.offset_px, second.offset_px)
    other = draw_framing(SIZE_PX, FRAMES, np.random.default_rng([1, 3]))
    assert not np.array_equal(first.offset_px, other.offset_px)
